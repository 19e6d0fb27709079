import pytest

from capture.errors import ConfigError
from capture.findings import FINDINGS
from training.text import PROMPTS, Prompt, check_prompts


def test_every_finding_has_prompts():
    assert set(PROMPTS) == set(FINDINGS)


@pytest.mark.parametrize("name", FINDINGS)
def test_no_sentence_both_states_and_denies_a_finding(name):
    prompt = PROMPTS[name]

    assert not set(prompt.positive) & set(prompt.negative)
    assert len(set(prompt.positive)) == len(prompt.positive)


@pytest.mark.parametrize("name", sorted(set(FINDINGS) - {"No Finding"}))
def test_the_report_rules_read_prompts_as_they_are_meant(name):
    from curation.reports import find_mentions

    states = {
        mention.state
        for sentence in PROMPTS[name].negative
        for mention in find_mentions(sentence)
        if mention.finding == name
    }

    assert "present" not in states


def test_prompts_for_an_unknown_finding_are_refused():
    with pytest.raises(ConfigError, match="Edima"):
        check_prompts({"Edima": Prompt(positive=("a",), negative=("b",))})


def test_a_prompt_needs_both_sides():
    with pytest.raises(ConfigError, match="positive and a negative"):
        Prompt(positive=("a",), negative=())
