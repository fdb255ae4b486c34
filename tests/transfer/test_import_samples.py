"""What samples of lm-eval say: targets, log-probabilities, metrics, filters and tasks."""

import pytest
from helpers.samples import DATE, both, choice, only, save, text

from sts_eval.errors import UserError
from sts_eval.transfer.import_results import import_transfer

# log softmax of the third of -3, -2, -1, -4 (right) and of -1, -2, -3, -4 (wrong)
SURE, UNSURE = -0.440190, -2.440190


def imported(tmp_path, sides, **options):
    paths = [save(tmp_path / name, samples) for name, samples in zip(("base", "tuned"), sides, strict=True)]
    return import_transfer("lm-eval", paths, **options)


@pytest.mark.parametrize("target", ["C", "c", "(C)", "C.", " C", "y", 2])
def test_targets_by_letter_text_and_number(tmp_path, target):
    sides = [[choice(number, right=right, target=target) for number in range(4)] for right in (False, True)]
    before, after = only(imported(tmp_path, sides))
    assert before.logprob == pytest.approx([UNSURE] * 4)
    assert after.logprob == pytest.approx([SURE] * 4)


def test_a_target_that_is_a_number_and_a_text(tmp_path):
    """The options are the texts 1 to 4. The verdicts tell that the target "3" is one of them and not the fourth."""
    calls = {f"gen_args_{place}": {"arg_0": "x", "arg_1": f" {place + 1}"} for place in range(4)}
    sides = [[choice(n, right=n > first, target="3", arguments=calls) for n in range(4)] for first in (0, 1)]
    _, after = only(imported(tmp_path, sides))
    assert after.logprob == pytest.approx([UNSURE, UNSURE, SURE, SURE])


def test_a_target_that_names_no_option(tmp_path):
    sides = both(lambda number: choice(number, target="?"), [choice(n, right=False, target="?") for n in range(4)])
    _, after = only(imported(tmp_path, sides))
    assert (after.verdicts, after.logprob) == ("rrrr", None)


@pytest.mark.parametrize("values", [["nan"] * 4, ["-inf"] * 4, ["-1", "-2", "-inf", "-4"], [float("nan"), -1, -2, -3]])
def test_log_probabilities_that_are_not_finite(tmp_path, values):
    broken = [[value, "False"] for value in values]
    after = [choice(0), choice(1, right=False, filtered_resps=broken), choice(2), choice(3)]
    record = imported(tmp_path, both(after))
    assert only(record)[1].verdicts == "rwrr"
    assert only(record)[1].logprob is None
    assert record.warnings[0].startswith("after: log-probabilities that are no finite number (nan or -inf): 1,")


def test_a_wrong_option_may_be_impossible(tmp_path):
    values = [["-1000", "False"], ["-inf", "False"], ["-1", "True"], ["-inf", "False"]]
    _, after = only(imported(tmp_path, both(lambda number: choice(number, filtered_resps=values))))
    assert after.logprob == (0, 0, 0, 0)


def scored(number, right, **metrics):
    sample = choice(number, right=right) | metrics | {"metrics": list(metrics)}
    del sample["acc"]
    return sample


def test_the_only_metric_that_is_a_verdict(tmp_path):
    sides = [
        [scored(n, True, pass_at_1=n % 2, f1=0.5) for n in range(4)],
        [scored(n, True, pass_at_1=True, f1=0.2) for n in range(4)],
    ]
    record = imported(tmp_path, sides)
    assert [replies.verdicts for replies in only(record)] == ["wrwr", "rrrr"]
    assert record.warnings[0] == "law: pass_at_1 says which answers are right, since there is no exact_match or acc"


def test_one_of_several_metrics_is_chosen(tmp_path):
    sides = [[scored(n, True, strict=n % 2, loose=1) for n in range(4)] for _ in range(2)]
    with pytest.raises(
        UserError, match=r"several metrics that are 0 or 1 \(strict, loose\)\. Choose one with --metric"
    ):
        imported(tmp_path, sides)
    record = imported(tmp_path, sides, metric="strict")
    assert only(record)[0].verdicts == "wrwr"
    assert not [line for line in record.warnings if "strict" in line]
    with pytest.raises(UserError, match=r"several metrics that are 0 or 1 \(strict, loose\)"):
        imported(tmp_path, sides, metric="lax")


def test_sides_that_are_scored_differently(tmp_path):
    after = [scored(n, True, acc_norm=1.0) for n in range(4)]
    with pytest.raises(UserError, match="task law says which answers are right by acc before and by acc_norm after"):
        imported(tmp_path, both(after))


def test_filters_of_some_tasks(tmp_path):
    """A filter that one task has is taken there; the other task has a single one."""
    two = [
        text(n, read=read, filter=name) for n in range(4) for name, read in (("strict", "[invalid]"), ("loose", "A"))
    ]
    for side, said in (("base", "So (A)."), ("tuned", "Thus (A).")):
        save(tmp_path / side, [sample | {"resps": [[said]]} for sample in two], f"samples_gsm8k_{DATE}.jsonl")
        save(tmp_path / side, [text(n, said) for n in range(4)], f"samples_math_{DATE}.jsonl")
    paths = [tmp_path / "base", tmp_path / "tuned"]
    with pytest.raises(UserError, match=r"task gsm8k is read by several filters \(loose, strict\)"):
        import_transfer("lm-eval", paths)
    with pytest.raises(UserError, match=r"task gsm8k has no filter 'lose'\. Choose among loose, strict"):
        import_transfer("lm-eval", paths, filter_name="lose")
    record = import_transfer("lm-eval", paths, filter_name="strict")
    assert {table.domain: table.before.verdicts for table in record.answers} == {"gsm8k": "uuuu", "math": "rrrr"}
    assert any("4 of 8 answers" in line for line in record.warnings) is False  # half is not most


def test_subtasks_of_a_group_are_the_domains(tmp_path):
    for side in ("base", "tuned"):
        for task in ("mmlu_anatomy", "mmlu_world_religions", "sts_mmlu_anatomy", "wikitext"):
            samples = [text(n, f"{side} {n}") for n in range(4)]
            if task.startswith("sts"):
                samples = [sample | {"doc": {"position": 1, "seeds": [0], "category": "anatomy"}} for sample in samples]
            if task == "wikitext":
                samples = [sample | {"exact_match": 0.3} for sample in samples]
            save(tmp_path / side, samples, f"samples_{task}_{DATE}.jsonl")
    record = import_transfer("lm-eval", [tmp_path / "base", tmp_path / "tuned"])
    assert [table.domain for table in record.answers] == ["mmlu_anatomy", "mmlu_world_religions"]
    assert "left out: the samples of task wikitext do not say which answers are right" in record.warnings[0]


def test_samples_of_scores_alone(tmp_path):
    samples = [text(0) | {"doc": {"position": 1, "seeds": [0]}}]
    with pytest.raises(UserError, match="holds samples of STS alone"):
        imported(tmp_path, [samples, samples])


def test_a_metric_of_one_task_among_several(tmp_path):
    """IFEval has two verdicts; the tasks beside it have the usual one. (Its documents here are of the domain law.)"""
    for side in ("base", "tuned"):
        save(tmp_path / side, [text(n, side) for n in range(4)], f"samples_math_{DATE}.jsonl")
        strict = [scored(n, True, strict=n % 2, loose=1) for n in range(4)]
        save(tmp_path / side, strict, f"samples_ifeval_{DATE}.jsonl")
    paths = [tmp_path / "base", tmp_path / "tuned"]
    with pytest.raises(UserError, match="task ifeval has several metrics"):
        import_transfer("lm-eval", paths)
    record = import_transfer("lm-eval", paths, metric="strict")
    assert {table.domain: table.before.verdicts for table in record.answers} == {"law": "wrwr", "math": "rrrr"}
    (tmp_path / "base" / f"samples_ifeval_{DATE}.jsonl").unlink()
    with pytest.raises(UserError, match=r"no task in .*base has a metric 'strict' that is 0 or 1"):
        import_transfer("lm-eval", paths, metric="strict")


def test_sides_that_other_filters_read(tmp_path):
    sides = [[text(n, filter=name) for n in range(4)] for name in ("strict-match", "flexible-extract")]
    with pytest.raises(UserError, match="filter strict-match before and by exact_match with filter flex"):
        imported(tmp_path, sides)


@pytest.mark.parametrize("change", [{"doc": "{}"}, {"filtered_resps": None}, {"resps": None}, {"target": None}])
def test_samples_with_odd_fields(tmp_path, change):
    """Read or refused in one line."""
    sides = both(lambda number: choice(number) | change, [choice(n) | change for n in range(4)])
    if "doc" in change:
        with pytest.raises(UserError, match=r"odd 'doc' \(sample 1: Input should be a valid dictionary\)"):
            imported(tmp_path, sides)
    else:
        assert only(imported(tmp_path, sides))[0].verdicts == "rrrr"


@pytest.mark.parametrize(("by_task", "domains"), [(False, ["law"]), (True, ["bar_exam", "court"])])
def test_tasks_as_domains_where_documents_name_a_category(tmp_path, by_task, domains):
    for side, samples in zip(("base", "tuned"), both(choice), strict=True):
        for start, task in ((0, "bar_exam"), (10, "court")):
            moved = [sample | {"doc": sample["doc"] | {"question_id": start + n}} for n, sample in enumerate(samples)]
            save(tmp_path / side, moved, f"samples_{task}_{DATE}.jsonl")
    record = import_transfer("lm-eval", [tmp_path / "base", tmp_path / "tuned"], by_task=by_task)
    assert [table.domain for table in record.answers] == domains
    assert sum(domain.n for domain in record.domains) == 8


def test_log_probabilities_that_are_all_nan(tmp_path):
    broken = [["nan", "False"]] * 4
    record = imported(tmp_path, both(lambda n: choice(n, filtered_resps=broken)))
    assert only(record)[1].logprob is None
    assert record.warnings[0].startswith("after: log-probabilities that are no finite number (nan or -inf): 4,")


def numbered(number, right, **metrics):
    """The options are the texts 2, 3, 0 and 1, and the third, 0, is right."""
    calls = {f"gen_args_{place}": {"arg_0": "x", "arg_1": f" {text}"} for place, text in enumerate("2301")}
    return scored(number, right, **metrics) | {"target": "0", "arguments": calls}


def test_acc_norm_tells_how_a_target_is_read(tmp_path):
    sides = [[numbered(n, n > first, acc_norm=float(n > first)) for n in range(4)] for first in (0, 1)]
    assert only(imported(tmp_path, sides))[1].logprob == pytest.approx([UNSURE, UNSURE, SURE, SURE])


def test_targets_that_can_be_read_in_two_ways(tmp_path):
    """The metric is none of those that follow from the log-likelihoods, so nothing says which one is meant."""
    sides = [[numbered(n, n > first, pass_at_1=float(n > first)) for n in range(4)] for first in (0, 1)]
    record = imported(tmp_path, sides)
    assert only(record)[1].logprob is None
    assert "law: log-probabilities were left out, and verdicts kept: the targets do not tell" in record.warnings[0]


def test_left_out_log_probabilities_are_said(tmp_path):
    sides = both(lambda n: choice(n, target=[2]), [choice(n, right=False, target=[2]) for n in range(4)])
    record = imported(tmp_path, sides)
    assert only(record)[1].logprob is None
    assert "law: log-probabilities were left out, and verdicts kept: the targets do not tell" in record.warnings[0]


def test_responses_as_text(tmp_path):
    def quoted(number):
        sample = choice(number)
        return sample | {name: str(sample[name]) for name in ("resps", "filtered_resps")}

    assert only(imported(tmp_path, both(quoted)))[1].logprob == pytest.approx([SURE] * 4)


def test_a_metric_by_which_nothing_is_right(tmp_path):
    sides = [[scored(n, True, exact_match=0, math_verify=n % 2) for n in range(4)] for _ in range(2)]
    said = "law: no answer is right by exact_match, but some are by math_verify; --metric math_verify takes that one"
    assert imported(tmp_path, sides).warnings[0] == said
    record = imported(tmp_path, sides, metric="math_verify")
    assert only(record)[0].verdicts == "wrwr"
    assert not [line for line in record.warnings if "math_verify" in line]


def asked(number, prompt, **fields):
    return choice(number, arguments={"gen_args_0": {"arg_0": prompt, "arg_1": " x"}}, **fields)


def test_prompts_are_compared_where_no_hash_is_saved(tmp_path):
    """lm-eval's hash is SHA-256 of the first request's prompt."""
    before = [asked(n, "abc") for n in range(4)]
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, example of SHA-256
    same = imported(tmp_path, [before, [asked(n, "?", prompt_hash=abc, right=n > 1) for n in range(4)]])
    assert "prompts_differ" not in same.flags
    other = imported(tmp_path, [before, [asked(n, "abc" if n else "ab", right=n > 1) for n in range(4)]])
    assert "1 questions were put in different words before and after" in " ".join(other.warnings)


def test_the_side_that_lacks_a_filter_is_named(tmp_path):
    two = [text(n, filter=name) for name in ("strict", "loose") for n in range(4)]
    sides = [two, [text(n, filter="strict") for n in range(4)]]
    with pytest.raises(UserError, match=r"base/samples_law.*: task law is read by several filters \(loose, strict\)"):
        imported(tmp_path, sides)
    with pytest.raises(UserError, match=r"tuned has no filter 'loose', only strict\. Choose one that all results have"):
        imported(tmp_path, sides, filter_name="loose")


def test_log_likelihoods_beside_mutual_information_are_not_read(tmp_path):
    record = imported(
        tmp_path, both(lambda n: choice(n, acc_mutual_info=1.0), [choice(n, acc_mutual_info=0.0) for n in range(4)])
    )
    assert only(record)[0].logprob is None
    assert "law: log-probabilities were left out, and verdicts kept: the order of the log-l" in record.warnings[0]
