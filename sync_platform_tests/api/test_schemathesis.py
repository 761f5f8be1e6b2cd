"""Generated requests, right and wrong ones: no 5xx, and every answer is as the OpenAPI document says.

2,000 cases with `--full`.
"""

from __future__ import annotations

import contextlib
import math
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sync_platform.api.openapi import openapi_document
from sync_platform_tests.api.served import ROLE, Served
from sync_platform_tests.cli.backed_up_home import backed_up_home
from sync_platform_tests.extent import is_full
from sync_platform_tests.limits import LONGEST_WAIT_S

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
OPERATIONS = [(method, path) for path, methods in openapi_document()["paths"].items() for method in methods]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
CASES = 2_000 if is_full() else 2 * len(OPERATIONS)


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> schemathesis.BaseSchema:
    """The OpenAPI document, over a home with a backup. Jobs are stored and not started."""
    served = Served(backed_up_home(tmp_path_factory.mktemp("generated") / "home", tmp_path_factory).home)
    served.starts_jobs = False
    schema = schemathesis.openapi.from_dict({**openapi_document(), "security": []})  # roles come from a header here
    schema.app = served.app
    served.context.first_reads.clear()  # the application starts anew for each request
    return schema


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda part: part.rpartition("production-sync")[2])
def test_every_answer_is_as_the_document_says(
    generated: schemathesis.BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    operation = generated[path][method]

    @settings(
        max_examples=math.ceil(CASES / len(OPERATIONS) / len(MODES)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def sent(case: schemathesis.Case) -> None:
        response = case.call(headers={ROLE: "admin"}, timeout=LONGEST_WAIT_S)
        case.validate_response(response, checks=CHECKS)

    with contextlib.suppress(Unsatisfiable, SkipTest):  # nothing of such a request can be wrong
        sent()
