"""Chat templates that would lose part of a solution, never end it, or refuse: nothing of that passes in silence."""

import pytest
from helpers import tiny
from transformers import GenerationConfig

from sts_eval.data.prompt import Prompter
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError

USER = "{% if m['role']=='user' %}<u>{{m['content']}}</u>{% else %}<a>"
REST = "{% endif %}{% endfor %}{% if add_generation_prompt %}<a>{% endif %}"


def template(answer, *, end="</a>"):
    """A template that writes an answer in the given way."""
    return "{% for m in messages %}" + USER + answer + end + REST


def prompter(text, **options):
    return Prompter(tiny.tokenizer(template=text), **options)


THOUGHT = Example("What is 2 + 2?", "<think>\nTwo and two.\n</think>\n\nIt is 4.")
LINES = Example("What is 2 + 2?", "Two and two\nare 4.")

LOSES = {
    "thoughts": (template("{{ m['content'].split('</think>')[-1] }}"), THOUGHT),
    "all but the first line": (template("{{ m['content'].split('\\n')[0] }}"), LINES),
    "what is behind a length": (template("{{ m['content'][:10] }}"), LINES),
    "signs that it escapes": (template("{{ m['content'] | e }}"), Example("Is 1 < 2?", "Yes: 1 < 2.")),
    "capitals": (template("{{ m['content'] | lower }}"), LINES),
}


@pytest.mark.parametrize("name", LOSES)
def test_a_template_that_loses_part_of_a_solution(name):
    text, example = LOSES[name]
    if name != "capitals":  # which the word that stands for a message has too
        made = prompter(text)
        for render in (lambda: made.worked(example), lambda: made.demonstrations([example, LINES])):
            with pytest.raises(UserError, match=r"drops part of a solution, for instance of .*--no-chat-template"):
                render()
    plain = prompter(text, chat_template=False)
    assert example.solution in plain.tokenizer.decode(plain.worked(example)[1])


def test_thoughts_that_only_earlier_turns_lose():
    """Some templates keep the thoughts of the last turn: training is whole, and demonstrations are not."""
    made = prompter(
        template("{% if loop.last %}{{ m['content'] }}{% else %}{{ m['content'].split('</think>')[-1] }}{% endif %}")
    )
    assert "Two and two." in made.tokenizer.decode(made.worked(THOUGHT)[1])
    with pytest.raises(UserError, match="drops part of a solution"):
        made.demonstrations([THOUGHT])


def test_a_solution_that_stands_elsewhere_too():
    """The solution is sought behind its question: a question that holds it does not stand for it."""
    made = prompter(template("{{ m['content'].split('</think>')[-1] }}"))
    asked = Example("Say <think>a</think>b", "<think>a</think>b")
    with pytest.raises(UserError, match="drops part of a solution"):
        made.demonstrations([asked])


@pytest.mark.parametrize(
    "answer",
    [
        "{{ m['content'] | trim }}",
        "{{ m['content'].split('\\n') | join(' ') }}",
        "{{ m['content'].replace('</think>\\n\\n', '</think>') }}",
        "<think></think>{{ m['content'] }}",
    ],
)
def test_other_spaces_and_additions_are_no_loss(answer):
    made = prompter(template(answer))
    for example in (THOUGHT, LINES):
        ids = made.demonstrations([example]).prefixes[1] if "<think></think>" in answer else made.worked(example)[1]
        text = "".join(made.tokenizer.decode(list(ids)).split())
        assert "".join(example.solution.split()) in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ raise_exception('System role not given') }}", "System role not given"),
        (
            "{% if messages|length > 1 %}{{ raise_exception('one turn only') }}{% endif %}" + template("x"),
            "one turn only",
        ),
        ("{{ 'a' + 1 }}", "str"),
        ("{{ 1 // 0 }}", "division"),
        ("{{ messages[5]['role'] }}", "no element 5"),
        ("{% for m in messages %}{{ m.content", "unexpected"),
    ],
)
def test_a_template_that_stops(text, message):
    with pytest.raises(UserError, match=rf"the chat template refuses .*{message}.*Pass --no-chat-template"):
        prompter(text)
    assert prompter(text, chat_template=False).worked(LINES)


def opens(answer):
    text = template("{{ m['content'] }}").removesuffix("<a>{% endif %}")
    return prompter(text + "<a>" + answer + "{% endif %}")


def test_a_template_that_opens_an_answer_with_a_thought():
    """DeepSeek-R1's prompt ends in <think>: a solution that begins with it is trained on behind it."""
    made = opens("<think>\n")
    asked, solved = made.worked(THOUGHT)
    assert made.tokenizer.decode(asked).endswith("<think>\n")
    assert made.tokenizer.decode(solved).startswith("Two and two.")
    with pytest.raises(UserError, match=r"begins an answer with '<think>.*and with 'Two and two"):
        made.worked(LINES)
    with pytest.raises(UserError, match=r"begins an answer with '\\n</think>"):
        opens("<think>\n\n</think>").worked(THOUGHT)


def stops(end, **options):
    return prompter(template("{{ m['content'] }}", end=end), **options).end_of_answer_warnings()


@pytest.mark.parametrize(
    ("end", "told"), [("[/A]", r"'[/A]'"), ("", "nothing"), ("\n", r"'\n'"), ("<|eot_id|>", "'<|eot_id|>'")]
)
def test_a_template_that_never_stops(end, told):
    (line,) = stops(end)
    assert f"ends an answer with {told}, and generation stops at '<eos>'" in line
    assert stops(end, chat_template=False) == ()


@pytest.mark.parametrize("end", ["<eos>", "<eos>\n", "</a><eos>"])
def test_a_template_that_stops_at_the_end(end):
    assert stops(end) == ()


def test_an_end_of_turn_that_the_model_stops_at(tmp_path):
    """Gemma and Llama 3 end a turn with a token that only generation_config.json names."""
    tokenizer = tiny.tokenizer(template=template("{{ m['content'] }}", end="<|eot_id|>"))
    end = tokenizer.convert_tokens_to_ids("<|eot_id|>")
    tokenizer.name_or_path = str(tmp_path)
    assert Prompter(tokenizer).end_of_answer_warnings()
    GenerationConfig(eos_token_id=[tokenizer.eos_token_id, end]).save_pretrained(tmp_path)
    assert Prompter(tokenizer).end_of_answer_warnings() == ()
