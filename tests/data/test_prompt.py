"""A question has the same tokens in every context, and its span is the question and nothing else."""

import pytest
from helpers import tiny

from sts_eval.data.prompt import Demonstrations, Prompter, Turn
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError

SHOTS = tiny.TRAINING[:2]
SUFFIX = " Think step by step."
QUESTION = "How many sides has a hexagon?"


def prompter(template=None, *, bos=True, merges=(), chat_template=None):
    return Prompter(tiny.tokenizer(bos=bos, template=template, merges=merges), chat_template=chat_template)


def rendered(tokenizer, shots, question, suffix):
    """The whole prompt as the tokenizer itself makes it."""
    if tokenizer.chat_template:
        messages = []
        for asked, solution in shots:
            messages += [{"role": "user", "content": asked + suffix}, {"role": "assistant", "content": solution}]
        messages.append({"role": "user", "content": question + suffix})
        ids = tokenizer.apply_chat_template(messages, tokenize=True, add_generation_prompt=True).input_ids
        # A template without BOS leaves it out; the tokenizer that opens every text with one is followed.
        bos = tokenizer.bos_token_id
        return [bos, *ids] if tokenizer("a").input_ids[0] == bos != ids[0] else ids
    text = "".join(f"Question: {asked}{suffix}\nAnswer: {solution}\n\n" for asked, solution in shots)
    return tokenizer(f"{text}Question: {question}{suffix}\nAnswer:").input_ids


@pytest.mark.parametrize("template", [None, *tiny.TEMPLATES.values()], ids=["plain", *tiny.TEMPLATES])
@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize("suffix", ["", SUFFIX])
def test_prefix_and_turn_are_the_prompt(template, bos, suffix):
    made = prompter(template, bos=bos)
    for question in [QUESTION, *(example.question for example in tiny.TRAINING[2:])]:
        turn = made.turn(question, suffix=suffix)
        prefixes = made.demonstrations(SHOTS, suffix=suffix).prefixes
        assert len(prefixes) == 3
        for count, prefix in enumerate(prefixes):
            shots = SHOTS[len(SHOTS) - count :]
            assert [*prefix, *turn.ids] == rendered(made.tokenizer, shots, question, suffix)
        made.check_joint(SHOTS, question, suffix=suffix)
    assert not made.warnings
    assert made.chat is (template is not None)


@pytest.mark.parametrize("template", [None, *tiny.TEMPLATES.values()], ids=["plain", *tiny.TEMPLATES])
def test_span_is_the_question(template):
    made = prompter(template)
    for example in (*tiny.TRAINING, Example(QUESTION, "6")):
        turn = made.turn(example.question, suffix=SUFFIX)
        ids = [turn.ids[position] for position in turn.span]
        # The space in front belongs to the first token of a plain prompt, as byte-level BPE has it.
        assert made.tokenizer.decode(ids).removeprefix(" ") == example.question
        assert turn.span == tuple(range(turn.span[0], turn.span[-1] + 1))
        assert not set(ids) & set(made.tokenizer.all_special_ids)
        assert made.tokenizer.bos_token_id not in turn.ids


@pytest.mark.parametrize("template", [None, *tiny.TEMPLATES.values()], ids=["plain", *tiny.TEMPLATES])
def test_a_worked_example_is_the_text_of_a_demonstration(template):
    made = prompter(template)
    question, solution = SHOTS[0]
    asked, solved = made.worked(SHOTS[0], suffix=SUFFIX)
    alone = made.demonstrations([]).prefixes[0]
    assert tuple(asked) == (*alone, *made.turn(question, suffix=SUFFIX).ids)
    assert made.tokenizer.decode(solved, skip_special_tokens=True).strip() == solution
    if template is None:
        whole = made.tokenizer.decode(made.demonstrations(SHOTS[:1], suffix=SUFFIX).prefixes[-1])
    else:
        messages = [
            {"role": "user", "content": question + SUFFIX},
            {"role": "assistant", "content": solution},
        ]
        whole = made.tokenizer.apply_chat_template(messages, tokenize=False)
    assert made.tokenizer.decode([*asked, *solved]).removeprefix("<bos>") == whole.removeprefix("<bos>")


def test_special_tokens_within_a_question_are_left_out():
    made = prompter()
    turn = made.turn("What does <eos> mean?")
    ids = [turn.ids[position] for position in turn.span]
    assert made.tokenizer.eos_token_id in turn.ids
    assert made.tokenizer.decode(ids) == " What does  mean?"


@pytest.mark.parametrize("bos", [True, False])
def test_plain_prompts_open_with_bos_once_where_the_tokenizer_adds_it(bos):
    made = prompter(bos=bos)
    empty, *_ = made.demonstrations(SHOTS).prefixes
    assert empty == ((made.tokenizer.bos_token_id,) if bos else ())


def test_a_template_that_writes_bos_gets_no_second():
    made = prompter(tiny.LLAMA_3, bos=True)
    for prefix in made.demonstrations(SHOTS).prefixes:
        assert prefix.count(made.tokenizer.bos_token_id) == 1
        assert prefix[0] == made.tokenizer.bos_token_id


def test_a_default_system_prompt_is_in_every_context():
    made = prompter(tiny.CHATML)
    for prefix in made.demonstrations(SHOTS).prefixes:
        assert "You are a helpful assistant." in made.tokenizer.decode(prefix)


def test_chat_template_can_be_declined_and_must_exist():
    assert prompter(tiny.CHATML, chat_template=False).chat is False
    assert prompter(tiny.CHATML, chat_template=True).chat is True
    with pytest.raises(UserError, match="no chat template"):
        prompter(chat_template=True)


def test_todays_date_is_not_in_the_prompt():
    dated = "{{ date_string }}\n" + tiny.CHATML
    assert "26 Jul 2024" in prompter(dated).tokenizer.decode(prompter(dated).demonstrations([]).prefixes[0])


REWORDED = tiny.CHATML.replace("message['content']", "message['content'] | upper")
FIRST_IS_SHOUTED = tiny.CHATML.replace(
    "message['content'] +", "(message['content'] if messages|length == 1 else message['content'] | replace('?', '')) +"
)
ENDS_DIFFERENTLY = tiny.CHATML + "{% if messages|length > 1 %}{{ 'Again:' }}{% endif %}"


def test_a_template_that_rewords_every_question():
    with pytest.raises(UserError, match=r"words the question 'MESSAGE' differently.*--no-chat-template"):
        prompter(REWORDED.replace("upper", "lower"))


def test_a_template_that_rewords_this_question():
    made = prompter(REWORDED)  # the word that stands for a message is in capitals already
    with pytest.raises(UserError, match="words the question 'How many sides"):
        made.turn(QUESTION)


def test_a_template_that_rewords_the_question_only_behind_demonstrations():
    made = prompter(FIRST_IS_SHOUTED)
    made.turn(QUESTION)
    with pytest.raises(UserError, match="words the question 'How many sides"):
        made.check_joint(SHOTS, QUESTION)


def test_a_template_that_closes_differently_behind_demonstrations():
    with pytest.raises(UserError, match="differently in different contexts"):
        prompter(ENDS_DIFFERENTLY)


def test_a_template_that_trims_refuses_a_question_that_it_would_change():
    made = prompter(tiny.LLAMA_3)
    with pytest.raises(UserError, match="differently in different contexts"):
        made.turn(" What is 2 + 2?")


def test_merges_across_the_joint_are_reported_and_questions_still_pair():
    made = prompter(merges=["\n\nQuestion: ", ".\n\nQuestion"])
    made.check_joint(SHOTS, QUESTION)
    assert [line for line in made.warnings if "merges text across the end of the demonstrations" in line]
    turn = made.turn(QUESTION)
    whole = rendered(made.tokenizer, SHOTS, QUESTION, "")
    prefix = made.demonstrations(SHOTS).prefixes[-1]
    assert [*prefix, *turn.ids] != whole
    assert made.tokenizer.decode([*prefix, *turn.ids]) == made.tokenizer.decode(whole)
    assert QUESTION in made.tokenizer.decode([turn.ids[position] for position in turn.span])


def test_the_most_demonstrations_that_fit():
    demonstrations = Demonstrations(((0,), (0,) * 10, (0,) * 25))
    turn = Turn((1,) * 7, (0,))
    assert [demonstrations.fitting(turn, context) for context in (8, 16, 17, 31, 32, 99)] == [0, 0, 1, 1, 2, 2]
    with pytest.raises(UserError, match="a question of 7 tokens does not fit the model's context of 7"):
        demonstrations.fitting(turn, 7)


def test_dropping_is_from_the_left():
    made = prompter()
    prefixes = made.demonstrations(SHOTS).prefixes
    assert prefixes[1] == made.demonstrations(SHOTS[1:]).prefixes[1]
    assert SHOTS[0].question not in made.tokenizer.decode(prefixes[1])
    assert SHOTS[1].question in made.tokenizer.decode(prefixes[1])


def test_a_question_without_tokens():
    with pytest.raises(UserError, match="has no tokens"):
        prompter().turn("")


def test_a_slow_tokenizer():
    class Slow:
        is_fast = False

    with pytest.raises(UserError, match=r"the tokenizer Slow does not give the positions.*tokenizer\.json"):
        Prompter(Slow())
