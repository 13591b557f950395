#!/usr/bin/env python3
"""Writes folders of tests/golden/fixtures/models: tiny random models saved by Hugging Face transformers, and
what transformers computes with them in float32 (Debian's python3-transformers and python3-torch, sid).

    python3 tests/golden/tools/make_model_variants.py tests/golden/fixtures/models

A folder holds config.json, the weights as transformers (or an older one) would leave them, and
expected.safetensors: input_ids, attention_mask, last_hidden_state and logits of a decoder; pixel_values,
last_hidden_state and pooler_output of an image model.
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoModelForCausalLM
from transformers import GPT2Config, GPTNeoXConfig, LlamaConfig, MistralConfig, Qwen2Config, ResNetConfig

ROWS = [[5, 0, 17, 30, 2, 9, 9, 21, 3], [7, 11], [0, 4, 26, 1, 13]]
LLAMA = dict(vocab_size=32, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64)
LLAMA3 = dict(rope_type="llama3", rope_theta=100.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=16)
RESNET = dict(num_channels=3, embedding_size=4, hidden_act="relu")


def scatter(model):
    """Random values everywhere: norms, biases and statistics too, which models start at 0 and 1."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if not tensor.is_floating_point() or "rotary" in name:
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith("running_var"):
                tensor.copy_(0.5 + noise.abs())
            elif tensor.dim() == 1:
                tensor.copy_((0.0 if name.endswith(("bias", "running_mean")) else 1.0) + 0.2 * noise)
            elif tensor.dim() == 4:
                tensor.copy_(noise / (tensor[0].numel() ** 0.5))
            else:
                tensor.copy_(0.3 * noise)


def expected_text(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    width = max(map(len, ROWS))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in ROWS])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in ROWS])
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    return {"input_ids": ids, "attention_mask": mask, "last_hidden_state": out.hidden_states[-1],
            "logits": out.logits}


def expected_images(folder):
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    pixels = torch.randn((2, 3, 20, 28), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        out = model(pixel_values=pixels)
    return {"pixel_values": pixels, "last_hidden_state": out.last_hidden_state, "pooler_output": out.pooler_output}


def finish(folder, expected):
    save_file({name: tensor.contiguous() for name, tensor in expected.items()}, folder / "expected.safetensors")
    for extra in folder.glob("generation_config.json"):
        extra.unlink()


def write_decoder(root, name, config, dtype=torch.float32, **save):
    folder = root / name
    model = AutoModelForCausalLM.from_config(config)
    scatter(model)
    model.to(dtype).save_pretrained(folder, **save)
    finish(folder, expected_text(folder))
    return folder


def write_images(root, name, config):
    folder = root / name
    model = AutoModel.from_config(config)
    scatter(model)
    model.save_pretrained(folder)
    finish(folder, expected_images(folder))


def older(root, name, folder, edit):
    """The same model with the config.json of earlier years."""
    copy = root / name
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    config = json.loads((copy / "config.json").read_text())
    edit(config)
    (copy / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def old_rope(config):
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    if rope["rope_type"] != "default":
        config["rope_scaling"] = rope
    config["torch_dtype"] = config.pop("dtype")
    config.pop("head_dim", None)


def old_neox(config):
    rope = config.pop("rope_parameters")
    config["rotary_emb_base"] = rope["rope_theta"]
    config["rotary_pct"] = rope["partial_rotary_factor"]
    config["torch_dtype"] = config.pop("dtype")


def bare_names(folder):
    """Without the family's prefix, as the bare model of a family is saved."""
    tensors = load_file(folder / "model.safetensors")
    save_file({name.removeprefix("transformer."): tensor for name, tensor in tensors.items()},
              folder / "model.safetensors", metadata={"format": "pt"})


def main():
    root = Path(sys.argv[1])
    write_decoder(root, "mistral_sliding", MistralConfig(**LLAMA, sliding_window=3))
    write_decoder(root, "mistral_whole", MistralConfig(**LLAMA, sliding_window=None, head_dim=6))
    rope = write_decoder(root, "llama3_rope", LlamaConfig(**LLAMA, rope_parameters=LLAMA3))
    older(root, "llama3_rope_old_spelling", rope, old_rope)
    write_decoder(root, "llama_linear_rope", LlamaConfig(
        **LLAMA, rope_parameters=dict(rope_type="linear", rope_theta=1000.0, factor=2.0)))
    write_decoder(root, "llama_float16", LlamaConfig(**LLAMA), torch.float16)
    write_decoder(root, "llama_bfloat16", LlamaConfig(**LLAMA), torch.bfloat16)
    write_decoder(root, "llama_tied_biased", LlamaConfig(
        **LLAMA, tie_word_embeddings=True, attention_bias=True, mlp_bias=True, hidden_act="gelu"))
    write_decoder(root, "llama_sharded", LlamaConfig(**LLAMA), max_shard_size="6KB")
    write_decoder(root, "qwen2_sliding", Qwen2Config(
        **LLAMA, use_sliding_window=True, sliding_window=3, max_window_layers=1, tie_word_embeddings=True))

    gpt2 = dict(vocab_size=32, n_embd=16, n_layer=2, n_head=2, n_positions=24, bos_token_id=1, eos_token_id=1)
    write_decoder(root, "gpt2_untied", GPT2Config(**gpt2, tie_word_embeddings=False, activation_function="relu"))
    scaled = write_decoder(root, "gpt2_bare_names", GPT2Config(**gpt2, scale_attn_by_inverse_layer_idx=True,
                                                               n_inner=40))
    bare_names(scaled)
    neox = write_decoder(root, "gpt_neox_tied", GPTNeoXConfig(
        vocab_size=32, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        max_position_embeddings=48, tie_word_embeddings=True, use_parallel_residual=False,
        rope_parameters=dict(rope_type="default", rope_theta=500.0, partial_rotary_factor=0.5)))
    older(root, "gpt_neox_old_spelling", neox, old_neox)

    write_images(root, "resnet_basic", ResNetConfig(
        **RESNET, layer_type="basic", hidden_sizes=[4, 8], depths=[2, 1]))
    write_images(root, "resnet_bottleneck", ResNetConfig(
        **RESNET, layer_type="bottleneck", hidden_sizes=[8, 16], depths=[1, 2], downsample_in_bottleneck=True))


main()
