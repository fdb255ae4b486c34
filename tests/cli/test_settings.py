"""A setting is described once: command line, experiment file and lm-eval's metadata show its name, default and text."""

from typing import Annotated, Literal

import click
import pytest
from click.testing import CliRunner
from pydantic import Field

from sts_eval.cli.options import settings_options
from sts_eval.cli.predict import predict
from sts_eval.errors import UserError
from sts_eval.experiment import Experiment, ModelSpec, Named, PredictSettings, Run, Spec, TrainingSetSpec
from sts_eval.experiment_file import template
from sts_eval.harness.plan import SET_ELSEWHERE, metadata_keys, plan_from
from sts_eval.settings import describe, settings_of

SETTINGS = settings_of(Experiment)

NEEDED = ["--model", "m", "--sft", "s"]


@pytest.mark.parametrize("setting", SETTINGS, ids=[one.name for one in SETTINGS])
def test_every_setting_is_an_option_with_the_default_of_its_field(setting):
    (option,) = [one for one in predict.params if setting.option in one.opts]
    assert option.help.startswith(setting.sentence)
    assert option.required == setting.info.is_required()
    if not setting.info.is_required():
        assert predict.make_context("predict", [*NEEDED]).params[setting.name] == setting.info.default


def test_no_two_settings_have_one_name():
    names = [name for one in SETTINGS for name in (one.name, *one.older)]
    assert len(set(names)) == len(names)


def test_nothing_given_is_the_same_description_everywhere():
    by_options = describe(Experiment, {"model": "m", "sft": "s"}, "{} {}".format)
    by_metadata = plan_from({"pretrained": "m", "sft": "s"}, chat_template=False)
    assert by_options == Experiment(model=ModelSpec(id="m"), training_set=TrainingSetSpec(source="s"))
    assert by_metadata.settings.model_copy(update={"chat_template": None}) == by_options.settings
    assert by_metadata.settings.predictors == ("lexical",)
    assert "# predictors: [lexical]" in template(Run(**by_options.model_dump(exclude={"tune"})))


def test_metadata_has_a_key_for_every_setting_that_the_harness_does_not_make():
    keys = {one.name for one in metadata_keys()}
    assert keys == {one.name for one in SETTINGS if one.part != "model"} - SET_ELSEWHERE.keys()
    given = {"sft": "s", "sft_split": "test", "layer": 3, "hook": "h", "top_n": "7", "seed": 4, "only": "law"}
    plan = plan_from(given, chat_template=True)
    assert (plan.training_set.split, plan.sae.layer, plan.sae.hook, plan.settings.top_n) == ("test", 3, "h", 7)
    assert plan.settings.seeds == (4,)
    assert plan.settings.chat_template is True
    assert plan.benchmark.domains == ("law",)


@pytest.mark.parametrize(
    ("metadata", "source"),
    [({"benchmark": "a"}, "a"), ({"domains": "a"}, "a"), ({"domains": "a", "benchmark": "b"}, "b")],
    ids=["older", "newer", "the last one counts"],
)
def test_older_keys_of_metadata_work(metadata, source):
    plan = plan_from({"sft": "s", "seeds": [1, 2], "predictors": "lexical;loss", **metadata}, chat_template=False)
    assert plan.benchmark.source == source
    assert plan.settings.seeds == (1, 2)
    assert plan.settings.predictors == ("lexical", "loss")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("lexical,loss", ("lexical", "loss")),
        (("lexical, loss", "gradient"), ("lexical", "loss", "gradient")),
        ("none", ()),
        (("none", "loss"), ("loss",)),
        ((), ()),
    ],
)
def test_predictors_are_named_in_one_text_or_several(given, names):
    assert PredictSettings(predictors=given).predictors == names


class Dials(Spec):
    """A part with a field of every type."""

    plain: int = Field(default=3, description="SAE dials")
    share: float | None = Field(default=None, description="a share")
    way: Literal["up", "down"] = Field(default="up", description="a way")
    yes: bool = Field(default=False, description="a flag")
    maybe: bool | None = Field(default=None, description="a flag with three states")
    on: bool = Field(default=True, description="a flag that is set")
    none: int = Field(default=0, description="zero")
    many: Annotated[tuple[int, ...], Named("one_of_many")] = Field(default=(), description="numbers")


class Described(Spec):
    """A description with that part."""

    dials: Dials


def test_a_field_of_any_type_becomes_an_option():
    @click.command()
    @settings_options(settings_of(Described))
    def command(**options):
        click.echo(describe(Described, options, "{} {}".format).dials.model_dump_json())

    words = ["--share", "0.5", "--way", "down", "--yes", "--no-maybe", "--no-on"]
    words += ["--one-of-many", "1", "--one-of-many", "2"]
    printed = CliRunner().invoke(command, words).output
    assert Dials.model_validate_json(printed) == Dials(
        share=0.5, way="down", yes=True, maybe=False, on=False, many=(1, 2)
    )
    assert CliRunner().invoke(command, []).output.strip() == Dials().model_dump_json()
    helped = CliRunner().invoke(command, ["--help"]).output
    assert "SAE dials.  [default: 3]" in helped
    assert "Zero.  [default: 0]" in helped
    assert CliRunner().invoke(command, ["--way", "left"]).exit_code == 2


def test_a_value_out_of_range_names_the_setting_as_it_was_written():
    with pytest.raises(UserError, match="<top_n 0>: Input should be greater"):
        describe(Experiment, {"model": "m", "sft": "s", "top_n": 0}, "<{} {}>".format)
