"""`POST /backup`, `GET /backup`, `GET /backup/{id}` and `POST /backup/restore`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from sync_platform.api.api_error import ApiError
from sync_platform.api.backup_answer import BackupAnswer, BackupBody, RestoreBody, backup_answer, has_source
from sync_platform.api.context import ApiContext
from sync_platform.api.cursor import cursor_after, place_of
from sync_platform.api.emergency_answer import SourceName
from sync_platform.api.envelope import WITH_BODY, AnswerPage, Envelope, documented_errors, enveloped
from sync_platform.api.idempotency_keys import IdempotencyKey, IdempotencyKeys, stored_key
from sync_platform.api.job_answer import JobAnswer, job_answer
from sync_platform.api.job_store import ApiJob, JobKind
from sync_platform.api.paging import Cursor, Limit
from sync_platform.api.permission import known_actor, permitted, require_on
from sync_platform.backup.backup_id import BackupKind, is_backup_id
from sync_platform.backup.repository import ReadManifest, Repository
from sync_platform.errors import NoLakeYet, NotFound
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.platforms import choose
from sync_platform.storage.operation_name import OperationName

MOST_UNFINISHED = 20


def add_backups(router: APIRouter, context: ApiContext) -> None:
    """Add the routes of backups and restores."""
    keys = IdempotencyKeys(context.settings.ledger_url)
    may_read = Depends(permitted(context, Action.read_state))

    def started(
        actor: Actor, body: BackupBody | RestoreBody, key: str | None, require_possible: Callable[[], object]
    ) -> Response:
        """The answer with the job of a request, which runs from now on.

        A request that is sent again is answered with its job, also where it would not be possible any more.
        """
        known_job = context.jobs.of_key(stored_key(actor, key)) if key else None
        if known_job is None:
            require_possible()
        kind: JobKind = "backup" if isinstance(body, BackupBody) else "restore"
        request_key = keys.require_same(actor, key, kind, body.model_dump())
        commands = backup_commands(body) if isinstance(body, BackupBody) else restore_commands(body)
        data = job_answer(known_job or start_job(context, actor, kind, commands, request_key), router.prefix)
        return enveloped(JobAnswer, data, 202, {"Location": data.status_url})

    @router.post(
        "/backup",
        operation_id="startBackup",
        status_code=202,
        response_model=Envelope[JobAnswer],
        responses=documented_errors(404, 409, *WITH_BODY),
        tags=["backup"],
    )
    def start_backup(request: Request, body: BackupBody, idempotency_key: IdempotencyKey = None) -> Response:
        """Back up the lake as it is now, while syncs go on, and read back what was written. Poll `statusUrl`."""
        actor = require_on(context, known_actor(request), Action.start_backup, body.sources or [""])
        choose(context.platforms, body.sources)

        def require_data() -> None:
            if not context.lake.address.exists:
                raise NoLakeYet("there is nothing to back up: nothing was synced yet")

        return started(actor, body, idempotency_key, require_data)

    @router.get(
        "/backup",
        operation_id="listBackups",
        response_model=Envelope[AnswerPage[BackupAnswer]],
        responses=documented_errors(),
        dependencies=[may_read],
        tags=["backup"],
    )
    def list_backups(
        source: Annotated[SourceName | None, Query(description="Only backups that have this platform.")] = None,
        kind: Annotated[BackupKind | None, Query(alias="type", description="Only backups of this type.")] = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Response:
        """List the backups, newest first; those that cannot be read come last, with the reason."""
        filters = {"source": source, "type": kind}
        after = place_of(cursor, filters, (int, int, str)) if cursor else None
        read_manifests = [
            read_manifest
            for read_manifest in _newest_first(context)
            if _is_wanted(read_manifest, source, kind) and (after is None or _place(read_manifest) > after)
        ]
        shown = read_manifests[:limit]
        shown_answers = [backup_answer(read_manifest, context.settings) for read_manifest in shown]
        following = cursor_after(_place(shown[-1]), filters) if len(read_manifests) > limit else None
        return enveloped(AnswerPage[BackupAnswer], AnswerPage[BackupAnswer](items=shown_answers, next_cursor=following))

    @router.get(
        "/backup/{backup_id}",
        operation_id="readBackup",
        response_model=Envelope[BackupAnswer],
        responses=documented_errors(404),
        dependencies=[may_read],
        tags=["backup"],
    )
    def read_backup(backup_id: Annotated[str, Path(max_length=100)]) -> Response:
        """Show a backup."""
        read_manifest = next((each for each in _newest_first(context) if each.backup_id == backup_id), None)
        if read_manifest is None:
            raise NotFound(f"there is no backup {backup_id!r}")
        return enveloped(BackupAnswer, backup_answer(read_manifest, context.settings))

    @router.post(
        "/backup/restore",
        operation_id="startRestore",
        status_code=202,
        response_model=Envelope[JobAnswer],
        responses=documented_errors(404, 409, *WITH_BODY),
        tags=["backup"],
    )
    def start_restore(request: Request, body: RestoreBody, idempotency_key: IdempotencyKey = None) -> Response:
        """Restore a backup into the lake of this installation, or find out what that would change. Poll `statusUrl`.

        Erased persons stay erased: the tombstones come first.
        """
        action = Action.plan_restore if body.dry_run else Action.restore
        actor = require_on(context, known_actor(request), action, body.sources or [""])
        choose(context.platforms, body.sources)
        own = context.settings.environment
        if body.target_environment != own:
            text = f"this installation is {own}: send the restore to the one that is {body.target_environment}"
            raise ApiError(409, "wrong_environment", text)
        return started(actor, body, idempotency_key, lambda: _require_backup(context, body.backup_id))


def start_job(context: ApiContext, actor: Actor, kind: JobKind, commands: list[list[str]], request_key: str) -> ApiJob:
    """The job of a request, in the audit log and started; that of an earlier request with the same key as it is."""
    if len(context.jobs.unfinished()) >= MOST_UNFINISHED:
        raise ApiError(409, "busy", f"{MOST_UNFINISHED} jobs have not ended yet: wait for one of them")
    with context.noted(actor, OperationName.start_job, {"kind": kind, "commands": commands}) as details:
        job = context.jobs.add(kind, commands, actor.name, request_key)
        details["job"] = job.job_id
    if job.state == "queued":
        context.start(job)
    return job


def backup_commands(body: BackupBody) -> list[list[str]]:
    """The command that makes the backup."""
    return [["backup", "create", "--type", body.type, *_options("--source", body.sources), "--json"]]


def restore_commands(body: RestoreBody) -> list[list[str]]:
    """The commands of the restore: the verification of the backup first, if that is wanted."""
    verify = ["backup", "verify", body.backup_id, "--json"]
    restore = ["backup", "restore", body.backup_id, "--target", body.target_environment]
    restore += ["--conflict", body.conflict_resolution, *_options("--source", body.sources)]
    restore += ["--dry-run", "--json"] if body.dry_run else ["--json"]
    return [verify, restore] if body.validate_integrity else [restore]


def _options(name: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (name, value)]


def _require_backup(context: ApiContext, backup_id: str) -> None:
    repository = _repository(context)
    if repository is None or not is_backup_id(backup_id):
        raise NotFound(f"there is no backup {backup_id!r}")
    repository.manifest(backup_id)


def _repository(context: ApiContext) -> Repository | None:
    from sync_platform.defs.backups import backups_of  # the import of Dagster takes a second

    return backups_of(context.settings).repository_or_none()


def _newest_first(context: ApiContext) -> list[ReadManifest]:
    repository = _repository(context)
    return sorted(repository.read_manifests() if repository else [], key=_place)


def _place(read: ReadManifest) -> list[Any]:
    """The place of a backup in the list, which stays the same when other backups are made or deleted."""
    return [0, -read.manifest.sequence, read.backup_id] if read.manifest else [1, 0, read.backup_id]


def _is_wanted(read: ReadManifest, source: str | None, kind: BackupKind | None) -> bool:
    """True if a backup has the platform and is of the type, each if given."""
    manifest = read.manifest
    if manifest is None:
        return source is None and kind is None
    return kind in (None, manifest.kind) and (source is None or has_source(manifest, source))
