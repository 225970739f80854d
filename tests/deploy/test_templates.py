"""The CloudFormation templates: valid, and their policies allow what the code does and nothing else."""

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.decode.cfn_yaml import load
from cfnlint.template import Template
from cfnlint.template.transforms._language_extensions import language_extension

from validator import codepipeline
from validator.serverless.fleet_plan import order_of
from validator.serverless.parameters import parse_parameters

DEPLOY = Path(__file__).parents[2] / "deploy"
sys.path.insert(0, str(DEPLOY))  # scripts are no package

import build_zip  # noqa: E402 - after the path

TEMPLATES = sorted(DEPLOY.glob("*.yaml"))
HERE = "${AWS::Partition}:airflow:${AWS::Region}:${AWS::AccountId}"
TAKE_NO_RESOURCE = {
    "codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult",
    "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
}  # fmt: skip


def read(name, **defaults):
    """A template with its loops written out, for the given values of its parameters."""
    template = load(str(DEPLOY / name))
    for key, value in defaults.items():
        template["Parameters"][key]["Default"] = value
    if template.get("Transform") == "AWS::LanguageExtensions":
        problems, template = language_extension(Template(name, template, ["us-east-1"]))
        assert not problems
    return template


def plain(value):
    """A string, or what is in a Fn::Sub; anything else as JSON."""
    if isinstance(value, dict) and set(value) == {"Fn::Sub"}:
        return value["Fn::Sub"]
    return value if isinstance(value, str) else json.dumps(value)


def as_list(value):
    return value if isinstance(value, list) else [value]


def documents(node):
    """Every policy document but those that say who may take a role."""
    if isinstance(node, dict):
        if "PolicyDocument" in node:
            yield node["PolicyDocument"]
        for value in node.values():
            yield from documents(value)
    elif isinstance(node, list):
        for value in node:
            yield from documents(value)


def statements(template):
    """Every allowed (actions, resources, statement), conditional ones included."""
    for document in documents(template["Resources"]):
        for one in document["Statement"]:
            statement = one["Fn::If"][1] if "Fn::If" in one else one
            assert statement["Effect"] == "Allow"
            yield (
                as_list(statement["Action"]),
                [plain(each) for each in as_list(statement["Resource"])],
                statement,
            )


def allowed(template, action):
    return [
        resource
        for actions, resources, _ in statements(template)
        if action in actions
        for resource in resources
    ]


@pytest.fixture(scope="module")
def function():
    return read("template.yaml", Environments="analytics-prod,etl_2,data-*")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_finds_nothing_in_a_template(path):
    command = [Path(sys.executable).parent / "cfn-lint", "--include-checks", "I", "--", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_cfn_lint_would_find_a_mistake(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    text = (DEPLOY / "template.yaml").read_text(encoding="utf-8")
    wrong.write_text(text.replace("MaximumRetryAttempts: 0", "MaximumRetryAttempts: 3"), encoding="utf-8")
    command = [Path(sys.executable).parent / "cfn-lint", wrong]

    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_there_are_templates_and_none_silences_the_linter():
    assert {path.name for path in TEMPLATES} >= {"template.yaml", "fleet.yaml", "pipeline.yaml"}
    assert not any("cfn-lint" in path.read_text(encoding="utf-8") for path in TEMPLATES)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_action_is_a_wildcard_and_only_what_takes_no_resource_is_allowed_on_all(path):
    found = list(
        statements(load(str(path)) if path.name != "template.yaml" else read(path.name, Environments="a"))
    )

    assert found
    for actions, resources, _ in found:
        assert all(re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action) for action in actions)
        if "*" in resources:
            assert set(actions) <= TAKE_NO_RESOURCE


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_arn_names_its_partition_by_the_pseudo_parameter(path):
    assert not re.search(r"arn:aws[a-z-]*:", path.read_text(encoding="utf-8"))


def test_invoke_rest_api_is_allowed_on_each_environments_role_in_airflow_alone(function):
    roles = allowed(function, "airflow:InvokeRestApi")

    names = ("analytics-prod", "etl_2", "data-*")
    assert roles == [f"arn:{HERE}:role/{name}/${{AirflowRole}}" for name in names]
    assert load(str(DEPLOY / "template.yaml"))["Parameters"]["AirflowRole"]["Default"] == "Viewer"


def test_get_environment_is_allowed_on_the_environment_and_can_be_switched_off(function):
    names = ("analytics-prod", "etl_2", "data-*")
    assert allowed(function, "airflow:GetEnvironment") == [f"arn:{HERE}:environment/{name}" for name in names]
    policy = function["Resources"]["Airflowanalyticsprod"]["Properties"]["PolicyDocument"]["Statement"][1]
    assert policy["Fn::If"][0] == "MayGetEnvironment"


def test_the_function_logs_to_its_own_group_alone_which_is_not_kept_for_ever(function):
    assert allowed(function, "logs:PutLogEvents") == ['{"Fn::GetAtt": ["LogGroup", "Arn"]}']
    assert not allowed(function, "logs:CreateLogGroup")
    assert function["Resources"]["LogGroup"]["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_what_is_optional_is_allowed_only_where_it_was_asked_for(function):
    conditions = {name: one.get("Condition") for name, one in function["Resources"].items()}

    assert conditions["ReportsPolicy"] == "HasReports"
    assert conditions["DagsPolicy"] == "HasDags"
    assert conditions["VpcPolicy"] == "HasVpc"
    assert conditions["OtherRolesPolicy"] == "HasRoles"
    assert allowed(function, "s3:PutObject") == [
        "arn:${AWS::Partition}:s3:::${ReportsBucket}/${ReportsPrefix}/*"
    ]
    (listing,) = [statement for actions, _, statement in statements(function) if "s3:ListBucket" in actions]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": {"Fn::Sub": "${DagsPrefix}/*"}}}


def test_lambda_never_repeats_a_job_by_itself(function):
    retries = function["Resources"]["NoRetries"]["Properties"]

    assert retries["MaximumRetryAttempts"] == 0
    assert retries["FunctionName"] == {"Ref": "Function"}


def test_the_function_is_the_handler_with_all_the_time_that_lambda_gives(function):
    properties = function["Resources"]["Function"]["Properties"]

    module, _, name = properties["Handler"].rpartition(".")
    assert (module, callable(getattr(codepipeline, name))) == (codepipeline.__name__, True)
    assert properties["Timeout"] == 900
    assert properties["Runtime"] == "python3.13"


def test_the_function_is_of_the_kind_that_the_zip_is_built_for_unless_both_are_told_otherwise(function):
    built = inspect.signature(build_zip.build).parameters
    template = read("template.yaml")

    assert template["Parameters"]["Architecture"]["Default"] == built["architecture"].default
    made = next(one for one in function["Resources"].values() if one["Type"] == "AWS::Lambda::Function")
    assert made["Properties"]["Runtime"] == f"python{built['python'].default}"


def test_nothing_is_public():
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"AWS::Lambda::(Permission|Url)|BucketPolicy|Principal: *\"?\*", text)
    bucket = read("pipeline.yaml")["Resources"]["ArtifactBucket"]["Properties"]
    assert all(bucket["PublicAccessBlockConfiguration"].values())


def deploy_stage():
    stages = read("pipeline.yaml")["Resources"]["Pipeline"]["Properties"]["Stages"]
    return next(stage for stage in stages if stage["Name"] == "Deploy")


def test_the_gate_stands_in_the_stage_of_the_copy_after_it_and_a_red_rolls_it_back():
    sync, gate = deploy_stage()["Actions"]

    assert deploy_stage()["OnFailure"] == {"Result": "ROLLBACK"}
    assert sync["ActionTypeId"]["Provider"] == "S3"
    assert sync["Configuration"]["Extract"] == "true"
    assert gate["ActionTypeId"] == {
        "Category": "Invoke",
        "Owner": "AWS",
        "Provider": "Lambda",
        "Version": "1",
    }
    assert gate["RunOrder"] > sync["RunOrder"]
    assert read("pipeline.yaml")["Resources"]["Pipeline"]["Properties"]["PipelineType"] == "V2"


def test_the_user_parameters_are_what_the_handler_takes_and_fit():
    text = deploy_stage()["Actions"][1]["Configuration"]["UserParameters"]["Fn::Sub"]
    longest = {
        "${EnvironmentName}": "e" * 80,
        "${ReportsUri}": "s3://" + "b" * 63 + "/" + "p" * 135,
        "#{SourceVariables.CommitId}": "c" * 40,
    }
    for name, value in longest.items():
        assert name in text
        text = text.replace(name, value)

    assert len(text) <= 1000
    assert not re.search(r"[$#]\{", text)
    parameters = parse_parameters(json.loads(text))
    assert parameters.environment == "e" * 80
    assert parameters.manifest == f"manifests/{'e' * 80}.yaml"
    assert parameters.variables == {"COMMIT": "c" * 40}


def test_a_schedules_input_can_begin_a_fleet():
    text = read("fleet.yaml")["Resources"]["NightlyFleet"]["Properties"]["Target"]["Input"]["Fn::Sub"]
    for name in ("StateMachineName", "ReportsBucket", "ReportsPrefix", "ListKey"):
        assert f"${{{name}}}" in text
        text = text.replace(f"${{{name}}}", "some-" + name.lower())

    order = order_of(json.loads(text), "run")
    assert str(order.list) == "s3://some-reportsbucket/some-listkey"


def test_the_fleets_state_machine_may_start_itself_and_call_the_gate_alone():
    fleet = read("fleet.yaml")
    machine = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"

    assert allowed(fleet, "lambda:InvokeFunction") == ['{"Ref": "GateFunctionArn"}']
    assert f"{machine}:stateMachine:${{StateMachineName}}" in allowed(fleet, "states:StartExecution")
    executions = f"{machine}:execution:${{StateMachineName}}"
    assert allowed(fleet, "states:StopExecution") == [f"{executions}:*", f"{executions}/*"]


def test_a_fleets_function_may_read_what_it_wrote_and_the_list_and_its_machine_the_items_alone():
    fleet = read("fleet.yaml")
    below = "arn:${AWS::Partition}:s3:::${ReportsBucket}/"
    policies = {
        name: {**fleet, "Resources": {name: fleet["Resources"][name]}}
        for name in ("RolePolicy", "FunctionPolicy")
    }

    assert allowed(policies["FunctionPolicy"], "s3:PutObject") == [f"{below}${{ReportsPrefix}}/*"]
    assert allowed(policies["FunctionPolicy"], "s3:GetObject") == [
        f"{below}${{ReportsPrefix}}/*",
        f"{below}${{ListKey}}",
    ]
    assert allowed(policies["RolePolicy"], "s3:GetObject") == [f"{below}${{ReportsPrefix}}/*"]
    assert allowed(policies["RolePolicy"], "s3:PutObject") == []
