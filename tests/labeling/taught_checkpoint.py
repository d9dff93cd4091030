"""Teaches a real language model of some 100,000 weights to answer yes or no: run by the Python of .venv-vllm.

    .venv-vllm/bin/python tests/labeling/taught_checkpoint.py FOLDER <questions.jsonl

Each line is a list of questions about one report: `turns` as a labeler sends them, with the answer begun, and `yes`,
how probable the answer yes should be. The tokenizer is made of their words, and weights are drawn with a fixed seed:
two Qwen2 layers as in `tiny_checkpoint`.
"""

import json
import sys
from collections import deque
from typing import Any

from tests.labeling.tiny_checkpoint import make_model, make_tokenizer

YES, NO = " yes", " no"
N_TOKENS = 768  # nearly every word is one
NOTES_A_STEP = 6
LEARNING_RATE = 5e-3
WARM_UP_STEPS = 10
MOST_STEPS = 600
STEPS_IN_A_ROW, LEARNED = 8, 0.01  # it stops when the loss was so near the least one for so long
LOUDER = 3.0


def begin_well(model: Any) -> None:
    """Drawn weights are small; with larger ones for what attention hands on, and louder answers, it learns sooner."""
    import torch

    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.v_proj.weight.mul_(LOUDER)
            layer.self_attn.o_proj.weight.mul_(LOUDER)
        model.model.norm.weight.fill_(LOUDER)


def logits(model: Any, asked: list[list[int]]) -> Any:
    """Logits of what comes after each prompt; the beginning that they share is computed once."""
    import torch

    n_shared = min(n_alike(asked), min(map(len, asked)) - 1)
    shared = model.model(input_ids=torch.tensor([asked[0][:n_shared]]), use_cache=True).past_key_values
    shared.batch_repeat_interleave(len(asked))
    rest = [prompt[n_shared:] for prompt in asked]
    longest = max(map(len, rest))
    padded = torch.tensor([prompt + [0] * (longest - len(prompt)) for prompt in rest])
    states = model.model(input_ids=padded, past_key_values=shared, use_cache=True).last_hidden_state
    last = states[torch.arange(len(rest)), torch.tensor([len(prompt) - 1 for prompt in rest])]
    return model.lm_head(last)


def n_alike(asked: list[list[int]]) -> int:
    """Tokens that all begin with."""
    columns = zip(*asked, strict=False)
    return next((place for place, column in enumerate(columns) if len(set(column)) > 1), len(min(asked, key=len)))


def teach(model: Any, tokenizer: Any, notes: list[list[dict[str, Any]]]) -> None:
    """Go through the notes until the answers are as wanted. Raises RuntimeError when they never are."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    yes, no = (tokenizer.encode(word)[0] for word in (YES, NO))
    prompts = [[prompt_of(tokenizer, question["turns"]) for question in note] for note in notes]
    answers = [torch.tensor([float(question["yes"]) for question in note]) for note in notes]
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98))
    recent: deque[float] = deque(maxlen=STEPS_IN_A_ROW)
    for step in range(MOST_STEPS):
        optimizer.param_groups[0]["lr"] = LEARNING_RATE * min(1.0, (step + 1) / WARM_UP_STEPS)
        excess = 0.0
        for number in range(step * NOTES_A_STEP, (step + 1) * NOTES_A_STEP):
            found = logits(model, prompts[number % len(notes)])
            wanted = answers[number % len(notes)]
            loss = binary_cross_entropy_with_logits(found[:, yes] - found[:, no], wanted)
            (loss / NOTES_A_STEP).backward()
            least = binary_cross_entropy_with_logits(torch.logit(wanted, eps=1e-6), wanted)
            excess += (loss.item() - least.item()) / NOTES_A_STEP
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        recent.append(excess)
        if len(recent) == STEPS_IN_A_ROW and max(recent) < LEARNED:
            return
    raise RuntimeError(f"after {MOST_STEPS} steps the answers are still off by {excess:.3f}")


def prompt_of(tokenizer: Any, turns: list[dict[str, str]]) -> list[int]:
    """Tokens of a conversation whose last turn is gone on with, as an engine makes them."""
    text = tokenizer.apply_chat_template(turns, tokenize=False, continue_final_message=True)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def main(folder: str) -> None:
    """Make tokenizer and model, teach, save."""
    import torch

    torch.set_num_threads(1)  # so small a model is no faster with more
    notes = [json.loads(line) for line in sys.stdin]
    words = [turn["content"] for note in notes[::8] for question in note for turn in question["turns"]]
    tokenizer = make_tokenizer([*words, YES, NO], N_TOKENS)
    model = make_model(tokenizer, len(tokenizer))
    begin_well(model)
    teach(model, tokenizer, notes)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main(sys.argv[1])
