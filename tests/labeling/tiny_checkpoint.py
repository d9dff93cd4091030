"""Makes a real language model of 100,000 random weights: run by the Python of .venv-vllm, which has torch.

    .venv-vllm/bin/python tests/labeling/tiny_checkpoint.py FOLDER

Byte-level BPE of 512 tokens, two Qwen2 layers 64 wide, a chat template. It writes nonsense, but as any model does it:
token by token, within constraints, with logits. The weights are drawn with a fixed seed.
"""

import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

TEXTS = [
    "The liver is of normal size without a focal lesion. There is a small cyst of the left kidney.",
    "No evidence of appendicitis. Mild atrophy of the pancreas, unchanged; correlate clinically.",
    'Yes. No. Answer: present, possible, absent, ambiguous. {"value": "present", "reason": "stated"}',
    "system user assistant 0 1 2 3 4 5 6 7 8 9 A B C D E F G H I J K L M N O P Q R S T U V W X Y Z",
]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def make_tokenizer(texts=TEXTS * 20, n_tokens=512):
    """A tokenizer of so many tokens, the commonest pieces of these texts, with the template of a chat."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=n_tokens, special_tokens=SPECIAL, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(texts, trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    wrapped.chat_template = TEMPLATE
    return wrapped


def make_model(tokenizer, n_tokens=512):
    """Random weights, always the same."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=n_tokens,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=4096,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        tie_word_embeddings=True,
    )
    return Qwen2ForCausalLM(config).to(torch.float32)


if __name__ == "__main__":
    made = make_tokenizer()
    make_model(made).save_pretrained(sys.argv[1])
    made.save_pretrained(sys.argv[1])
