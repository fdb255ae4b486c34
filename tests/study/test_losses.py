"""Answers against one forward pass per option through the whole model, and what must not change them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.answers import QUESTIONS as TEXTS

from sts_eval.data.benchmark import Question
from sts_eval.data.prompt import Prompter
from sts_eval.data.sampling import shuffled
from sts_eval.errors import UserError
from sts_eval.model import head
from sts_eval.study.losses import read_answering, read_losses

LETTERS = (
    Question("3", "law", "Who may sign?\nOptions:\nA. Nobody\nB. An adult\nC. A cat", ("A", "B", "C"), 1),
    Question("4", "law", "Who makes statutes?\nOptions:\nA. A judge\nB. Parliament", ("A", "B"), 1),
)
DOMAINS = {"math": TEXTS, "law": LETTERS}


def expected(model, before, question, around, answers):
    """Mean nats of the question's tokens, and the log-probability of each answer, one whole pass each."""
    found = []
    for answer in answers:
        ids = [*before, *question, *answer]
        with torch.no_grad():
            logprobs = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
        found.append(
            [float(logprobs[position - 1, ids[position]]) if position else None for position in range(len(ids))]
        )
    start, stop = len(before), len(before) + len(question)
    own = [found[0][start + position] for position in around if start + position > 0]
    return -float(np.mean(own)), [sum(row[stop:]) for row in found]


def literal(model, tokenizer, shown, question, *, end, bos=True, suffix=""):
    """The same for a plain prompt."""

    def ids(text):
        return tokenizer(text, add_special_tokens=False).input_ids

    demonstrations = "".join(f"Question: {asked}{suffix}\nAnswer: {solved}\n\n" for asked, solved in shown)
    before = [0] * bos + ids(demonstrations)
    text = f"Question: {question.text}\nAnswer:"
    offsets = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True).offset_mapping
    first, last = len("Question: "), len("Question: ") + len(question.text)
    around = [position for position, (left, right) in enumerate(offsets) if right > first and left < last]
    answers = [ids(f" {choice}{end}") for choice in question.choices]
    nll, options = expected(model, before, ids(text), around, answers)
    return nll, options, [len(answer) for answer in answers]


def assert_equal(read, questions, wanted, rtol=2e-4):
    np.testing.assert_allclose(read.question_nll, [nll for nll, _, _ in wanted], rtol=rtol)
    assert read.right.tolist() == [question.right for question in questions]
    for logprobs, tokens, (_, options, lengths) in zip(read.option_logprobs, read.option_tokens, wanted, strict=True):
        np.testing.assert_allclose(logprobs, options, rtol=rtol)
        assert tokens.tolist() == lengths


@pytest.mark.parametrize("kind", ["llama", "gemma2", "mistral", "gpt2"])
@pytest.mark.parametrize("shots", [1, 2])
def test_both_contexts_are_those_of_whole_passes(kind, shots):
    """Gemma 2 caps its logits, Mistral has a window; letters stand alone and other texts end in a line break."""
    extractor = tiny.extractor(kind, shots=shots)
    losses = read_losses(extractor, tiny.training_set(suffix=" Think."), DOMAINS, 3, tiny.silent)
    model, tokenizer = extractor.reader.model, extractor.prompter.tokenizer
    shown = [tiny.TRAINING[index] for index in shuffled(len(tiny.TRAINING), 3, "training set")[:shots]]
    for name, end in (("math", "\n"), ("law", "")):
        for read, context in ((losses.alone[name], []), (losses.shown[name], shown)):
            wanted = [literal(model, tokenizer, context, one, end=end, suffix=" Think.") for one in DOMAINS[name]]
            assert_equal(read, DOMAINS[name], wanted)


def test_without_a_bos():
    extractor = tiny.extractor("llama", bos=False)
    read = read_answering(extractor, DOMAINS, extractor.prompter.demonstrations([]))["math"]
    model, tokenizer = extractor.reader.model, extractor.prompter.tokenizer
    assert_equal(read, TEXTS, [literal(model, tokenizer, [], one, end="\n", bos=False) for one in TEXTS])


def test_derived_quantities_by_hand():
    extractor = tiny.extractor("llama")
    read = read_answering(extractor, DOMAINS, extractor.prompter.demonstrations([]))["math"]
    for number, question in enumerate(TEXTS):
        _, options, lengths = literal(extractor.reader.model, extractor.prompter.tokenizer, [], question, end="\n")
        likelihood = np.exp(options)
        assert read.answer_nll[number] == pytest.approx(-options[question.right] / lengths[question.right], rel=1e-4)
        share = likelihood[question.right] / likelihood.sum()
        assert read.share_logprob[number] == pytest.approx(np.log(share), rel=1e-3)
        assert read.correct[number] == (max(options) == options[question.right])


def test_a_first_token_counts_only_where_something_stands_before_it():
    """A template that writes nothing before a message, and no BOS: the question opens the sequence."""
    bare = "{% for message in messages %}{{ message['content'] + '\n' }}{% endfor %}"
    extractor = tiny.extractor("llama", bos=False, template=bare)
    prompter, model = extractor.prompter, extractor.reader.model
    question = TEXTS[2]
    ids = prompter.tokenizer(question.text + "\n", add_special_tokens=False).input_ids
    answers = [prompter.tokenizer(choice + "\n", add_special_tokens=False).input_ids for choice in question.choices]
    before = prompter.tokenizer("1 + 1\n2\n", add_special_tokens=False).input_ids
    asked = range(len(prompter.tokenizer(question.text, add_special_tokens=False).input_ids))
    for shown, prefix in (([], []), ([("1 + 1", "2")], before)):
        read = read_answering(extractor, {"math": [question]}, prompter.demonstrations(shown))["math"]
        nll, options = expected(model, prefix, ids, asked, answers)
        assert read.question_nll[0] == pytest.approx(nll, rel=2e-4)
        np.testing.assert_allclose(read.option_logprobs[0], options, rtol=2e-4)


@pytest.mark.parametrize(
    ("template", "opened", "end"),
    [("gemma", "", "<end_of_turn>"), ("llama-3", "", "<|eot_id|>"), ("mistral", " ", "<eos>")],
)
def test_chat_answers_are_what_the_template_writes_up_to_its_end_of_turn(template, opened, end):
    tokenizer = tiny.tokenizer(template=tiny.TEMPLATES[template])
    prompter = Prompter(tokenizer)
    closed = tokenizer(f"{opened}42{end}", add_special_tokens=False).input_ids
    assert prompter.answer("42") == closed
    assert prompter.answer("42", closed=False) == closed[:-1]
    turn = tokenizer.apply_chat_template(
        [{"role": "user", "content": "x"}, {"role": "assistant", "content": "42"}], tokenize=False
    )
    assert f"{opened}42{end}" in turn


def test_chat_prompts():
    extractor = tiny.extractor("llama", template=tiny.GEMMA)
    tokenizer = extractor.prompter.tokenizer
    read = read_answering(extractor, {"math": TEXTS}, extractor.prompter.demonstrations([]))["math"]
    for number, question in enumerate(TEXTS):
        text = f"<start_of_turn>user\n{question.text}<end_of_turn>\n<start_of_turn>model\n"
        ids = tokenizer(text, add_special_tokens=False).input_ids
        answers = [
            tokenizer(choice + "<end_of_turn>", add_special_tokens=False).input_ids for choice in question.choices
        ]
        turn = extractor.prompter.turn(question.text)
        around = [position + len(ids) - len(turn.ids) for position in turn.span]
        nll, options = expected(extractor.reader.model, [0], ids, around, answers)
        assert read.question_nll[number] == pytest.approx(nll, rel=2e-4)
        np.testing.assert_allclose(read.option_logprobs[number], options, rtol=2e-4)


@pytest.mark.parametrize("batch", [{"batch_questions": 1}, {"batch_tokens": 1}, {"batch_tokens": 60}])
def test_batches_change_nothing(batch, monkeypatch):
    data = tiny.training_set()
    whole = read_losses(tiny.extractor("gemma2"), data, DOMAINS, 0, tiny.silent)
    monkeypatch.setattr(head, "_LOGITS", 3 * tiny.VOCABULARY)
    parts = read_losses(tiny.extractor("gemma2", **batch), data, DOMAINS, 0, tiny.silent)
    for one, other in ((whole.alone, parts.alone), (whole.shown, parts.shown)):
        for name in DOMAINS:
            np.testing.assert_allclose(one[name].question_nll, other[name].question_nll, rtol=1e-4)
            for left, right in zip(one[name].option_logprobs, other[name].option_logprobs, strict=True):
                np.testing.assert_allclose(left, right, rtol=1e-4)


@pytest.mark.parametrize(
    ("choices", "alone"),
    [(("B", "C"), ("B",)), (("B", "C", "D"), ("B", "C"))],
)
def test_options_of_one_token_share_the_reading_of_the_question(choices, alone):
    def tokens(choices):
        extractor = tiny.extractor("llama")
        seen = []
        extractor.reader.model.get_input_embeddings().register_forward_pre_hook(
            lambda _module, args: seen.append(args[0].numel())
        )
        question = Question("0", "law", "Who may sign?", choices, 0)
        read_answering(extractor, {"law": [question]}, extractor.prompter.demonstrations([]))
        return max(seen)

    assert tokens(choices) == tokens(alone)


def test_a_question_is_read_once_whatever_the_number_of_its_options():
    def tokens(choices):
        extractor = tiny.extractor("llama")
        read_answering(extractor, {}, extractor.prompter.demonstrations([]))
        counted = []
        extractor.reader.model.get_input_embeddings().register_forward_pre_hook(
            lambda _module, args: counted.append(args[0].numel())
        )
        question = Question("0", "law", "Who may sign?", choices, 0)
        read_answering(extractor, {"law": [question]}, extractor.prompter.demonstrations([]))
        return min(counted[-1:])  # the last pass reads; those before it check the packing

    lengths = [len(tiny.extractor("llama").prompter.answer(text)) - 1 for text in ("cat", "dog sat")]
    assert tokens(("cat", "dog sat")) - tokens(("cat",)) == lengths[1]


def test_a_question_that_leaves_no_room_sees_fewer_demonstrations():
    prompter = tiny.extractor("llama").prompter
    order = shuffled(len(tiny.TRAINING), 1, "training set")[:2]
    both = prompter.demonstrations([tiny.TRAINING[index] for index in order]).prefixes[2]
    needed = len(both) + len(prompter.turn(TEXTS[1].text).ids) + len(prompter.answer("6 and 4"))
    extractor = tiny.extractor("llama", context=needed - 1)
    losses = read_losses(extractor, tiny.training_set(), {"math": TEXTS[1:2]}, 1, tiny.silent)
    fitting = [tiny.TRAINING[index] for index in order][1:]
    model, tokenizer = extractor.reader.model, extractor.prompter.tokenizer
    assert_equal(losses.shown["math"], TEXTS[1:2], [literal(model, tokenizer, fitting, TEXTS[1], end="\n")])
    assert any("1 of 1 questions" in line for line in extractor.reader.warnings)


def test_questions_without_a_right_answer():
    extractor = tiny.extractor("llama")
    with pytest.raises(UserError, match="question 0 of math does not say which") as raised:
        read_answering(extractor, {"math": [replace(TEXTS[0], right=None)]}, extractor.prompter.demonstrations([]))
    assert "answer_index" in str(raised.value)
