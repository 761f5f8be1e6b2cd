"""What Terraform declares: every name is known to the provider, nothing is public, everything is encrypted."""

from __future__ import annotations

import json

import pytest

from sync_platform.monitoring.cloudwatch_dashboard import cloudwatch_alarms, cloudwatch_dashboard, dashboard_name
from sync_platform.monitoring.metric import METRICS
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform_tests.infrastructure.terraform import (
    ENVIRONMENTS,
    FOLDER,
    OF_TERRAFORM,
    Block,
    Declared,
    blocks,
    place,
    provider_names,
)


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def declared(request: pytest.FixtureRequest) -> Declared:
    return Declared(request.param)


def _wrong_names(block: Block, known: Block, where: str) -> list[str]:
    wrong = []
    for name, value in block.items():
        if name in OF_TERRAFORM and name not in known:
            continue
        argument = known.get(name)
        if argument is None:
            wrong.append(f"{where}: the provider knows no {name}")
        elif argument.get("computed") and name != "id":
            wrong.append(f"{where}: {name} cannot be set")
        elif argument.get("block"):
            for each in blocks(value):
                wrong += _wrong_names(each, argument["block"], f"{where}.{name}") if isinstance(each, dict) else []
    missing = [name for name, argument in known.items() if argument.get("required") and name not in block]
    return wrong + [f"{where}: {name} is required" for name in missing]


def test_every_name_is_known_to_the_provider(declared: Declared) -> None:
    names = provider_names()
    wrong = []
    for kind, type_name, block in declared.all():
        known = names[kind].get(type_name)
        if known is None:
            wrong.append(f"{place(block)}: {kind} {type_name} is not in aws_names.json")
        else:
            wrong += _wrong_names(block, known, place(block))
    assert wrong == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"visibility_timout_seconds": 60}, "the provider knows no visibility_timout_seconds"),
        ({"arn": "arn:aws:sqs:::queue"}, "arn cannot be set"),
    ],
)
def test_a_wrong_name_is_found(change: Block, found: str) -> None:
    queue = Declared("production").of("aws_sqs_queue")[0] | change
    assert _wrong_names(queue, provider_names()["resource"]["aws_sqs_queue"], "queue") == [f"queue: {found}"]


def test_no_address_is_public(declared: Declared) -> None:
    assert all(server["publicly_accessible"] is False for server in declared.of("aws_db_instance"))
    assert all(subnet["map_public_ip_on_launch"] is False for subnet in declared.of("aws_subnet"))
    assert [cluster["vpc_config"]["endpoint_public_access"] for cluster in declared.of("aws_eks_cluster")] == [False]
    rules = declared.of("aws_vpc_security_group_ingress_rule")
    assert [rule.get("cidr_ipv4") for rule in rules if str(rule.get("cidr_ipv4")).endswith("/0")] == []


def test_no_bucket_can_be_public(declared: Declared) -> None:
    blocked = declared.of("aws_s3_bucket_public_access_block")
    assert len(blocked) == 5
    switches = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    assert all(each[switch] is True for each in blocked for switch in switches)


def test_every_bucket_takes_only_tls_and_is_encrypted(declared: Declared) -> None:
    policies = declared.of("aws_s3_bucket_policy")
    assert len(policies) == len(declared.of("aws_s3_bucket_server_side_encryption_configuration")) == 5
    text = (FOLDER / "modules" / "bucket" / "main.tf").read_text()
    assert '"aws:SecureTransport"' in text and '"s3:TlsVersion"' in text


@pytest.mark.parametrize(
    ("kind", "argument"),
    [
        ("aws_cloudwatch_log_group", "kms_key_id"),
        ("aws_db_instance", "kms_key_id"),
        ("aws_db_instance", "storage_encrypted"),
        ("aws_db_instance", "performance_insights_kms_key_id"),
        ("aws_secretsmanager_secret", "kms_key_id"),
        ("aws_sns_topic", "kms_master_key_id"),
        ("aws_sqs_queue", "kms_master_key_id"),
        ("aws_ecr_repository", "encryption_configuration"),
        ("aws_eks_cluster", "encryption_config"),
    ],
)
def test_everything_that_is_stored_is_encrypted_with_a_key_of_ours(
    declared: Declared, kind: str, argument: str
) -> None:
    assert all(argument in each and each[argument] is not False for each in declared.of(kind))


def test_keys_are_rotated_and_cannot_be_deleted_at_once(declared: Declared) -> None:
    keys = declared.of("aws_kms_key")
    assert all(key["enable_key_rotation"] is True and key["deletion_window_in_days"] == 30 for key in keys)


def test_retention_is_that_of_the_program(declared: Declared) -> None:
    settings = load_settings()
    rules = [rule for each in declared.of("aws_s3_bucket_lifecycle_configuration") for rule in blocks(each["rule"])]
    expiring = {
        blocks(rule["filter"])[0]["prefix"]: blocks(rule["expiration"])[0]["days"]
        for rule in rules
        if "expiration" in rule and "prefix" in blocks(rule.get("filter", {}))[0]
    }
    assert expiring == {"landing/": settings.landing_retention_days + 7, "": 365}
    assert {group["retention_in_days"] for group in declared.of("aws_cloudwatch_log_group")} == {
        settings.sync_log_retention_days
    }
    locks = declared.of("aws_s3_bucket_object_lock_configuration")
    days = {blocks(blocks(lock["rule"])[0]["default_retention"])[0]["days"] for lock in locks}
    assert len(days) == 1 and max(days) < settings.backup_retention_days


def test_no_secret_is_in_the_state(declared: Declared) -> None:
    with_values = [place(block) for _, kind, block in declared.all() if kind == "aws_secretsmanager_secret_version"]
    assert with_values == []
    assert all(server["manage_master_user_password"] is True for server in declared.of("aws_db_instance"))


def test_the_vaults_server_keeps_no_snapshots_with_keys_of_erased_persons(declared: Declared) -> None:
    days = {
        server["identifier"].rsplit("-", 1)[1]: server["backup_retention_period"]
        for server in declared.of("aws_db_instance")
    }
    assert days["vault"] == 0 and days["main"] >= 7


def test_only_backups_are_locked_and_have_versions(declared: Declared) -> None:
    locked = {bucket["bucket"] for bucket in declared.of("aws_s3_bucket") if bucket.get("object_lock_enabled") is True}
    assert all("backup" in str(name) and "vault" not in str(name) for name in locked)


def test_databases_take_only_tls(declared: Declared) -> None:
    (group,) = declared.of("aws_db_parameter_group")
    assert {"name": "rds.force_ssl", "value": "1"} in [
        {"name": each["name"], "value": each["value"]} for each in blocks(group["parameter"])
    ]


def test_backups_are_copied_into_the_standby_region_encrypted_with_what_is_deleted_marked(declared: Declared) -> None:
    (replication,) = declared.of("aws_s3_bucket_replication_configuration")
    (rule,) = blocks(replication["rule"])
    (destination,) = blocks(rule["destination"])
    assert rule["status"] == blocks(rule["delete_marker_replication"])[0]["status"] == "Enabled"
    assert "replica_kms_key_id" in blocks(destination["encryption_configuration"])[0]


def test_each_receiver_gets_the_alerts_of_its_severity(declared: Declared) -> None:
    subscriptions = declared.of("aws_sns_topic_subscription")
    filters = {
        (each["endpoint"], json.loads(each["filter_policy"])["severity"][0])
        for each in subscriptions
        if each.get("filter_policy")
    }
    assert filters == {("on-call@example.org", "critical"), ("data-team@example.org", "high")}
    assert [each["endpoint"] for each in subscriptions if not each.get("filter_policy")] == ["on-call@example.org"]


def test_production_survives_the_loss_of_a_zone() -> None:
    production = Declared("production")
    assert all(
        server["multi_az"] is True and server["deletion_protection"] is True
        for server in production.of("aws_db_instance")
    )


def test_each_alarm_of_the_program_is_declared_and_reaches_people(declared: Declared) -> None:
    alarms = {alarm["alarm_name"]: alarm for alarm in declared.of("aws_cloudwatch_metric_alarm")}
    generated = sorted((FOLDER / "modules" / "observability" / "generated" / "alarms").glob("*.json"))
    assert len(generated) == len([name for name in alarms if str(name).startswith("DataSync-")]) >= 20
    assert all(alarm["alarm_actions"] for alarm in alarms.values())
    silent = next(alarm for name, alarm in alarms.items() if str(name).endswith("WatchSilent"))
    assert silent["treat_missing_data"] == "breaching"
    assert {alarm["metric_name"] for name, alarm in alarms.items() if str(name).startswith("DataSync-")} <= {
        metric.name for metric in METRICS
    }


def test_the_dashboard_and_the_alarms_are_those_that_the_program_writes() -> None:
    settings = load_settings(environment="production")
    platforms = sorted(load_platforms(""))
    written = {f"alarms/{alarm['AlarmName']}.json": alarm for alarm in cloudwatch_alarms(settings, platforms)}
    written[f"{dashboard_name(settings)}.json"] = cloudwatch_dashboard(settings, platforms)
    generated = FOLDER / "modules" / "observability" / "generated"
    stored = {str(file.relative_to(generated)): json.loads(file.read_text()) for file in generated.rglob("*.json")}
    for alarm in [*written.values(), *stored.values()]:  # the command to type depends on where the program is
        alarm.pop("AlarmDescription", None)
    assert stored == written


def test_the_service_that_starts_machines_may_encrypt_their_disks_and_nothing_else(declared: Declared) -> None:
    documents = [block for _, kind, block in declared.all() if kind == "aws_iam_policy_document"]
    granting = [place(each) for each in documents if "Machines" in str(each)]
    assert [where.rsplit(".", 1)[1] for where in granting] == ['key["disks"]']
    text = (FOLDER / "modules" / "keys" / "main.tf").read_text()
    assert "role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling" in text


def test_network_policies_are_applied_and_a_machine_has_a_network_before_it_must_be_ready(declared: Declared) -> None:
    addons = {str(each["addon_name"]): each for each in declared.of("aws_eks_addon")}
    assert set(addons) == {"kube-proxy", "vpc-cni", "coredns"}
    assert json.loads(addons["vpc-cni"]["configuration_values"]) == {"enableNetworkPolicy": "true"}
    text = (FOLDER / "modules" / "cluster" / "main.tf").read_text()
    assert "depends_on = [aws_iam_role_policy_attachment.node, aws_eks_addon.of_machines]" in text


def test_the_log_group_is_the_one_that_the_documentation_names(declared: Declared) -> None:
    groups = {str(group["name"]) for group in declared.of("aws_cloudwatch_log_group")}
    assert [name for name in groups if name.startswith("/aws/data-sync/")] == [f"/aws/data-sync/{declared.environment}"]
