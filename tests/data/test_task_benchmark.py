"""Tasks of lm-eval as benchmarks: its own task files over local rows, and files of a user."""

import pytest
from helpers import tiny
from helpers.task_files import CHOOSING, OWN, write_group, write_task, write_yaml

from sts_eval.data import task_benchmark
from sts_eval.data.benchmark import load_benchmark
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec

ROW = {"question": "Which one is red?", "choices": ["sky", "rose", "grass"], "answer": 1}
LISTED = "Which one is red?\nOptions:\nA. sky\nB. rose\nC. grass"


def load(folder, name, **spec):
    return load_benchmark(BenchmarkSpec(source=name, include_path=str(folder), **spec))


def only(folder, **splits_and_settings):
    """The domain of a task with these splits and settings."""
    splits = {name: rows for name, rows in splits_and_settings.items() if name in ("test", "dev", "train")}
    settings = {name: value for name, value in splits_and_settings.items() if name not in splits}
    write_task(folder, "mine", splits, **settings)
    (domain,) = load(folder, "mine").domains.values()
    return domain


def rows(count, **fixed):
    return [ROW | {"question": f"Which one is red in picture {number}?"} | fixed for number in range(count)]


def test_the_tasks_of_a_group_are_its_domains(tmp_path):
    write_task(tmp_path, "law", {"test": rows(3), "dev": rows(2)}, **CHOOSING)
    write_task(tmp_path, "tax", {"test": rows(4), "dev": rows(2)}, **CHOOSING | {"metadata": {"version": 3}})
    write_group(tmp_path, "office", ["tax", "law"])
    found = load(tmp_path, "office")
    assert {name: len(domain.questions) for name, domain in found.domains.items()} == {"law": 3, "tax": 4}
    identity = found.identity()
    assert (identity.source, identity.version, identity.rows) == ("office", "2.0, 3", 7)
    assert identity.sha256 == load(tmp_path, "office").sha256
    assert list(load(tmp_path, "office", domains=("tax",)).domains) == ["tax"]
    with pytest.raises(UserError, match=r"office has no questions in domain 'math'. Choose among law, tax"):
        load(tmp_path, "office", domains=("math",))
    write_task(tmp_path, "law", {"test": rows(3, answer=0), "dev": rows(2, answer=0)}, **CHOOSING)
    assert load(tmp_path, "office").sha256 != identity.sha256  # another answer is demonstrated


def test_a_question_with_options_is_printed_as_everywhere(tmp_path):
    domain = only(tmp_path, test=[ROW], dev=[ROW | {"answer": 2}], **CHOOSING)
    question = domain.questions[0]
    assert (question.id, question.domain, question.text) == ("0", "mine", LISTED)
    assert (question.choices, question.right) == (("A", "B", "C"), 1)
    assert domain.demonstrations == [(LISTED, "C")]


def test_the_tasks_target_is_the_right_answer(tmp_path):
    """The field says rose, the task says that the last option is right."""
    domain = only(tmp_path, test=[ROW], dev=[ROW], **CHOOSING | {"doc_to_target": "{{choices|length - 1}}"})
    assert domain.questions[0].right == 2
    assert domain.demonstrations[0].solution == "C"


def test_a_chain_of_thought_is_shown(tmp_path):
    shown = ROW | {"cot_content": "A: Roses are red. (B)"}
    domain = only(tmp_path, test=[shown], dev=[shown], **CHOOSING)
    assert domain.demonstrations[0].solution == "Roses are red. (B)"


def test_a_field_that_only_the_task_shows_is_kept(tmp_path):
    case = {"facts": "The parties met in a tavern and signed."}
    wording = {"doc_to_text": "{{facts}}\nQuestion: {{question}}\nA. {{choices[0]}}\nB. {{choices[1]}}\nAnswer:"}
    domain = only(tmp_path, test=[ROW | case], dev=[ROW | case], **CHOOSING | wording)
    question = domain.questions[0]
    assert question.text == f"{case['facts']}\nQuestion: {ROW['question']}\nA. sky\nB. rose"
    assert question.without_options == ROW["question"]
    assert (question.choices, question.right) == (("sky", "rose", "grass"), 1)
    assert domain.demonstrations == [(question.text, "rose")]


def test_a_question_in_another_language_is_the_tasks(tmp_path):
    own = {"frage": "Was davon ist rot?"}
    wording = {"doc_to_text": "{{frage}}", "doc_to_choice": "{{choices}}"}
    domain = only(tmp_path, test=[ROW | own], dev=[ROW | own], **CHOOSING | wording)
    assert domain.questions[0].text == own["frage"]


def test_documents_without_fields_that_are_known(tmp_path):
    row = {"holding": "The court held that", "ends": ["yes", "no"], "key": 1}
    wording = {"doc_to_text": "Q: {{holding}}\n(A) yes\n(B) no\nA:", "doc_to_choice": "ends", "doc_to_target": "key"}
    domain = only(tmp_path, test=[row], dev=[row], **CHOOSING | wording)
    question = domain.questions[0]
    assert (question.text, question.without_options) == ("The court held that\n(A) yes\n(B) no", "The court held that")
    assert (question.choices, question.right) == (("yes", "no"), 1)
    assert domain.demonstrations == [(question.text, "no")]


@pytest.mark.parametrize("kind", ["generate_until", "loglikelihood"])
def test_a_target_without_options(tmp_path, kind):
    row = {"question": "What is 2 + 3?", "answer": "Two and three are five. #### 5"}
    settings = {**CHOOSING, "output_type": kind, "doc_to_choice": None, "doc_to_target": "{{answer}}"}
    domain = only(tmp_path, test=[row], dev=[row], **settings)
    assert [question.text for question in domain.questions] == ["What is 2 + 3?"]
    assert (domain.questions[0].choices, domain.questions[0].right) == ((), None)
    assert domain.demonstrations == [("What is 2 + 3?", "Two and three are five. #### 5")]


ARC = {"text": ["sky", "rose", "grass"], "label": ["1", "2", "3"]}
THREE = "Which one is red?\nOptions:\nA. sky\nB. rose\nC. grass"
PUBLISHED = {
    "mmlu/default/_default_template_yaml": (
        ROW | {"choices": ["sky", "rose", "grass", "sand"], "subject": "botany"},
        f"{THREE}\nD. sand",
        1,
        "B",
    ),
    "arc/arc_easy.yaml": ({"id": "7", "question": ROW["question"], "choices": ARC, "answerKey": "2"}, THREE, 1, "B"),
    "openbookqa/openbookqa.yaml": (
        {"id": "7", "question_stem": ROW["question"], "choices": ARC, "answerKey": "2"},
        THREE,
        1,
        "B",
    ),
    "medmcqa/medmcqa.yaml": (
        {"question": ROW["question"], "opa": "sky", "opb": "rose", "opc": "grass", "opd": "sand", "cop": 1, "exp": "-"},
        f"{THREE}\nD. sand",
        1,
        "B",
    ),
    "sciq/sciq.yaml": (
        {"support": "Plants have colours.", "question": ROW["question"], "correct_answer": "rose"}
        | {"distractor1": "sky", "distractor2": "grass", "distractor3": "sand"},
        "Plants have colours.\nQuestion: Which one is red?",
        3,
        "rose",
    ),
    "super_glue/boolq/default.yaml": (
        {"passage": "Roses are often red.", "question": "are roses red", "label": 1},
        "Roses are often red.\nQuestion: are roses red?",
        1,
        "yes",
    ),
    "gsm8k/gsm8k.yaml": ({"question": "What is 2 + 3?", "answer": "#### 5"}, "What is 2 + 3?", None, "#### 5"),
}


@pytest.mark.parametrize("file", PUBLISHED)
def test_task_files_of_lm_eval(tmp_path, file):
    row, text, right, shown = PUBLISHED[file]
    data = str(tiny.write_jsonl(tmp_path / "rows.jsonl", [row, row]))
    names = ("train", "validation", "test", "dev")
    kwargs = {"data_files": dict.fromkeys(names, data), "cache_dir": str(tmp_path / "cache")}
    here = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": kwargs}
    write_yaml(tmp_path / "mine.yaml", {"include": str(OWN / file), "task": "mine", "tag": None, **here})
    domain = load(tmp_path, "mine").domains["mine"]
    assert [question.text for question in domain.questions] == [text, text]
    assert domain.questions[0].right == right
    assert domain.demonstrations[0] == (text, shown)


def test_gpqa_whose_options_are_shuffled_and_whose_questions_are_its_examples(tmp_path):
    row = {"Question": "Which one is red?", "Correct Answer": "rose"}
    row |= {f"Incorrect Answer {number}": text for number, text in enumerate(("sky", "grass", "sand"), 1)}
    data = str(tiny.write_jsonl(tmp_path / "rows.jsonl", [row | {"Record ID": str(n)} for n in range(20)]))
    kwargs = {"data_files": {"train": data}, "cache_dir": str(tmp_path / "cache")}
    here = {"dataset_path": "json", "dataset_name": None, "dataset_kwargs": kwargs}
    file = OWN / "gpqa" / "zeroshot" / "_gpqa_zeroshot_yaml"
    write_yaml(tmp_path / "mine.yaml", {"include": str(file), "task": "mine", "tag": None, **here})
    found = load(tmp_path, "mine")
    domain = found.domains["mine"]
    assert (len(domain.questions), len(domain.demonstrations)) == (16, 4)
    assert "so 4 of 20, drawn at random, are shown as worked examples and not scored" in found.warnings[0]
    for question in domain.questions:
        options = question.text.splitlines()[2:]
        assert options[question.right] == f"{'ABCD'[question.right]}. rose"
    assert len({question.right for question in domain.questions}) > 1
    assert load(tmp_path, "mine").sha256 == found.sha256


def test_few_shot_documents_in_their_own_wording_and_number(tmp_path, monkeypatch):
    monkeypatch.setattr(task_benchmark, "MOST_SHOWN", 3)
    settings = {**CHOOSING, "output_type": "generate_until", "doc_to_choice": None, "doc_to_target": "key"}
    settings["fewshot_config"] = {"doc_to_target": "It is {{key}}, since {{why}}."}
    shown = [{"text": f"Item {n}", "key": "five", "why": "it is"} for n in range(9)]
    settings["doc_to_text"] = "Say what {{text}} is.\nAnswer:"
    domain = only(tmp_path, test=[{"text": "Item", "key": "five", "why": ""}], dev=shown, **settings)
    assert domain.questions[0].text == "Say what Item is."
    assert len(domain.demonstrations) == 3
    assert {one.solution for one in domain.demonstrations} == {"It is five, since it is."}
    assert "3 of 9 few-shot documents were drawn at random" in load(tmp_path, "mine").warnings[0]


def test_samples_in_the_task_file(tmp_path):
    settings = {**CHOOSING, "fewshot_split": None, "fewshot_config": {"samples": [ROW | {"answer": 0}]}}
    assert only(tmp_path, test=[ROW], **settings).demonstrations == [(LISTED, "A")]


def test_few_documents_that_cannot_be_used_are_left_out(tmp_path):
    whole = rows(40)
    whole[4] = whole[4] | {"answer": 7}
    write_task(tmp_path, "mine", {"test": whole, "dev": rows(2)}, **CHOOSING)
    found = load(tmp_path, "mine")
    assert found.identity().left_out == 1
    assert [question.id for question in found.domains["mine"].questions] == [str(n) for n in range(40) if n != 4]
    assert found.warnings[0].startswith("mine: 1 of 40 documents were left out: row 5 has 7 in field 'answer' for 3")


REFUSED = {
    "running text": ({"output_type": "loglikelihood_rolling"}, "asks a model for loglikelihood_rolling"),
    "options in the question": (
        {"doc_to_text": "answer", "doc_to_target": "{{choices[0]}}"},
        r"its options stand inside the question \(doc_to_text is a number\)",
    ),
    "no target": (
        {"output_type": "generate_until", "doc_to_choice": None, "doc_to_text": "Name one.", "doc_to_target": "{{''}}"},
        r"2 of 2 documents of mine cannot be used: row 1 has no right answer \(doc_to_target\)",
    ),
    "no question": (
        {"output_type": "generate_until", "doc_to_choice": None, "doc_to_text": "Answer:", "doc_to_target": "t"},
        "row 1 has no text in field 'doc_to_text'",
    ),
    "a template that raises": ({"doc_to_target": "{{answer.wrong.name}}"}, "lm-eval cannot load 'mine': Undefined"),
    "no dataset": ({"dataset_path": "nobody/nothing"}, "lm-eval cannot load 'mine': "),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_by_name(tmp_path, what):
    settings, message = REFUSED[what]
    write_task(tmp_path, "mine", {"test": rows(2), "dev": rows(2)}, **CHOOSING | settings)
    with pytest.raises(UserError, match=message):
        load(tmp_path, "mine")


def test_a_name_of_nothing_gives_the_nearest(tmp_path, few_tasks):
    write_task(tmp_path, "contract_law", {"test": rows(2), "dev": rows(2)}, **CHOOSING)
    with pytest.raises(UserError, match=r"no task 'contract_laws'.* Did you mean contract_law.*--include-path"):
        load(tmp_path, "contract_laws")
    with pytest.raises(UserError, match=r"no task 'arceasy'.* Did you mean arc_easy.* a folder with test\.\* and"):
        load_benchmark(BenchmarkSpec(source="arceasy"))
    with pytest.raises(UserError, match="there is no folder nowhere"):
        load("nowhere", "contract_law")
    with pytest.raises(UserError, match="reads its data at no known commit, not main"):
        load(tmp_path, "contract_law", revision="main")


def test_a_path_comes_before_a_task(tmp_path, monkeypatch):
    row = {"question": "From files?", "options": ["x", "y"], "answer": "A", "category": "c"}
    for split in ("test", "validation"):
        tiny.write_jsonl(tmp_path / "mine" / f"{split}.jsonl", [row])
    write_task(tmp_path, "mine", {"test": rows(2), "dev": rows(2)}, **CHOOSING)
    monkeypatch.chdir(tmp_path)
    assert list(load(tmp_path, "mine").domains) == ["c"]
