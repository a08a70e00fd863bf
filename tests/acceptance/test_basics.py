"""Steps one after the other, and the shapes that workflows and steps may have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.app import App


@pytest.mark.acceptance("addTenWorkflow")
def test_steps_in_a_row_give_their_result_and_the_run_can_be_looked_at(app: App) -> None:
    run = app.begin("basics.add_ten", 123)

    assert app.end(run) == {"status": "completed", "result": 133}
    assert app.info(run) | {"status": "completed", "workflow": "workflow//acceptance.basics//add_ten"} == app.info(run)
    created, *_, completed = app.events(run)
    assert created["data"]["input"]["args"] == [123]
    assert completed["data"]["output"] == 133
    assert run in [one["id"] for one in app.ask("GET", "/runs", params={"workflow": "basics.add_ten"})]


@pytest.mark.acceptance("addTenWorkflow: duplicate names")
def test_functions_of_one_name_in_two_files_do_not_collide(app: App) -> None:
    assert app.run("basics.add_ten", 1) == 11
    assert app.run("twins.add_ten", 1) == 110


@pytest.mark.acceptance("addition")
def test_a_result_is_stored_as_it_was(app: App) -> None:
    assert app.run("basics.addition", 1, 2) == 3


@pytest.mark.acceptance("idempotency")
def test_many_steps_give_each_their_own_result_and_run_once(app: App) -> None:
    run = app.begin("basics.many_steps")

    assert app.result(run) == [*range(20)]
    assert [mark["label"] for mark in app.marks(run)] == ["add"] * 20
    assert len(app.events(run, "step_completed")) == 20


@pytest.mark.acceptance("importedStepOnlyWorkflow", "pathsAliasWorkflow")
def test_steps_are_found_through_helpers_aliases_and_reexports(app: App) -> None:
    assert app.run("basics.through_helpers", 5) == [105, 10]


@pytest.mark.acceptance("reactWorkflow")
def test_a_step_renders_with_a_library_that_no_replay_could_load(app: App) -> None:
    assert app.run("basics.page", "<Ada>") == "<p>Hello <b>&lt;Ada&gt;</b></p>"


@pytest.mark.acceptance("nullByteWorkflow", "null byte")
def test_text_with_a_null_byte_survives(app: App) -> None:
    assert app.run("basics.null_byte", "a\0b") == ["a\0b\0a\0b", 7, True]


@pytest.mark.acceptance("importMetaUrlWorkflow")
def test_a_step_knows_its_own_module(app: App) -> None:
    facts = app.run("basics.module_facts")

    assert facts == {"module": "acceptance.basics", "file": "basics.py", "package": "acceptance"}


@pytest.mark.acceptance("fetchWorkflow")
def test_a_step_fetches_json_from_a_server(app: App) -> None:
    assert app.run("basics.fetch", f"{app.url}/.well-known/workflow/v1/health")["healthy"] is True


@pytest.mark.acceptance("stepDirectCallWorkflow")
def test_a_step_called_outside_of_a_workflow_is_a_function(app: App) -> None:
    before = len(app.ask("GET", "/runs"))

    assert app.ask("POST", "/steps", json={"step": "parallel.value", "args": [8]}) == 8
    assert len(app.ask("GET", "/runs")) == before


@pytest.mark.acceptance("closureVariableWorkflow")
def test_a_step_reads_variables_of_the_workflow_around_it(app: App) -> None:
    assert app.run("closures.closure_variables", 3) == "Result: 45"


@pytest.mark.acceptance("stepFunctionWithClosureWorkflow")
def test_a_step_that_captures_is_handed_to_a_helper(app: App) -> None:
    run = app.begin("closures.passed_on", 2)

    assert app.result(run) == 18
    assert [event["data"]["input"].get("captured") for event in app.events(run, "step_created")] == [{"factor": 3}] * 2


@pytest.mark.acceptance("Calculator.calculate", "AllInOneService.processNumber")
@pytest.mark.parametrize(
    ("workflow", "args", "result"),
    [("classes.Calculator.calculate", [5, 3], 16), ("classes.AllInOneService.process_number", [10], 50)],
)
def test_workflows_and_steps_are_static_methods(app: App, workflow: str, args: list[int], result: int) -> None:
    assert app.run(workflow, *args) == result


@pytest.mark.acceptance("ChainableService.processWithThis")
def test_a_method_that_is_a_step_has_the_instance_that_it_was_called_on(app: App) -> None:
    assert app.run("classes.explicit_self") == [50, 100, 150]


@pytest.mark.acceptance("thisSerializationWorkflow")
def test_instances_travel_with_the_calls_of_their_methods(app: App) -> None:
    assert app.run("classes.passed_self") == 300


@pytest.mark.acceptance("instanceMethodStep")
def test_steps_that_are_methods_class_methods_and_plain_functions_follow_each_other(app: App) -> None:
    run = app.begin("classes.instance_methods", 1)

    assert app.result(run) == [{"value": 16, "history": [1, 6]}, True, "at=16 [1, 6]"]
    assert len(app.events(run, "step_completed")) == 4


PARCEL: dict[str, Any] = {
    "size": "small",
    "price": "1.50",
    "counter": {"value": 3, "history": [1, 2]},
    "tags": ["green"],
}


@pytest.mark.acceptance("customSerialization", "crossContextSerde")
@pytest.mark.parametrize("workflow", ["classes.custom_values", "classes.cross_context"])
def test_instances_of_classes_cross_into_steps_and_children_and_back(app: App, workflow: str) -> None:
    assert app.run(workflow, PARCEL) == PARCEL | {"size": "large", "price": "3.00"}


@pytest.mark.acceptance("runClassSerializationWorkflow")
def test_runs_are_values(app: App) -> None:
    child, *seen = app.run("classes.runs_as_values", 4)

    assert [seen[0], *seen[2:]] == [True, 10, 10]
    assert seen[1] in ("pending", "running", "completed")
    assert app.info(child)["workflow"].endswith("//Calculator.calculate")


@pytest.mark.acceptance("workflowAndStepMetadataWorkflow", "metadataFromHelperWorkflow")
@pytest.mark.parametrize(
    ("workflow", "step"), [("metadata", "about_step"), ("metadata_from_helper", "about_step_from_helper")]
)
def test_running_code_knows_its_ids_names_attempt_and_times(app: App, workflow: str, step: str) -> None:
    run = app.begin(f"metadata.{workflow}")

    facts = app.result(run)

    (created,) = app.events(run, "step_created")
    assert facts["run"] | {"run_id": run, "workflow": f"workflow//acceptance.metadata//{workflow}"} == facts["run"]
    assert facts["run"]["url"] == app.url
    assert facts["step"] | {"run_id": run, "step_id": created["entity"], "attempt": 1} == facts["step"]
    assert facts["step"]["name"].endswith(step)
    assert facts["run"]["started_at"][:10] == facts["step"]["started_at"][:10]
