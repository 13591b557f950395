#!/usr/bin/env python3
"""Writes tiny random models of further families into tests/golden/fixtures/models, in the form of make_models.py
(transformers 5; weights are perturbed, so that norms and biases count).

    python3 tests/golden/tools/make_families.py tests/golden/fixtures/models
"""

import sys
from pathlib import Path

import torch
import transformers as tf
from safetensors.torch import save_file

VOCABULARY = 320
SIZE = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, vocab_size=VOCABULARY,
            max_position_embeddings=64)
OPT = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=64, vocab_size=VOCABULARY,
           max_position_embeddings=64)
TOWER = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32,
             patch_size=8)
SPECIAL = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2)
LONG = dict(rope_type="longrope", rope_theta=10000.0, original_max_position_embeddings=32)


def size(**changes):
    return {**SIZE, **changes}


def perturb(model):
    with torch.no_grad():
        for _, parameter in model.named_parameters():
            parameter.add_(torch.randn_like(parameter) * (0.05 if parameter.dim() < 2 else 0.04))


def text(root, name, config, causal=True, pad=0, length=11):
    loader = tf.AutoModelForCausalLM if causal else tf.AutoModel
    model = loader.from_config(config, attn_implementation="eager").eval().float()
    perturb(model)
    ids = torch.randint(3, VOCABULARY, (3, length))
    mask = torch.ones_like(ids)
    for row, real in enumerate([length, length - 4, length - 7]):
        ids[row, real:] = pad
        mask[row, real:] = 0
    with torch.no_grad():
        found = model(input_ids=ids, attention_mask=mask, output_hidden_states=True,
                      **({"use_cache": False} if causal else {}))
    expected = {"input_ids": ids, "attention_mask": mask}
    expected["last_hidden_state"] = (found.hidden_states[-1] if causal else found.last_hidden_state).contiguous()
    if causal:
        expected["logits"] = found.logits.contiguous()
    model.save_pretrained(root / name)
    save_file(expected, root / name / "expected.safetensors")
    (root / name / "generation_config.json").unlink(missing_ok=True)


def vision(root, name, model, side):
    model = model.eval().float()
    perturb(model)
    pixels = torch.randn(2, 3, side, side)
    with torch.no_grad():
        found = model(pixel_values=pixels)
    model.save_pretrained(root / name)
    save_file({"pixel_values": pixels, "last_hidden_state": found.last_hidden_state.contiguous(),
               "pooler_output": found.pooler_output.contiguous()}, root / name / "expected.safetensors")


def main():
    root = Path(sys.argv[1])
    torch.manual_seed(11)
    text(root, "opt", tf.OPTConfig(**OPT, word_embed_proj_dim=32))
    text(root, "opt_350m_form", tf.OPTConfig(**OPT, word_embed_proj_dim=16, do_layer_norm_before=False))
    text(root, "gemma", tf.GemmaConfig(**SIZE, num_key_value_heads=1, head_dim=16, **SPECIAL))
    text(root, "gemma2", tf.Gemma2Config(**size(num_hidden_layers=4), num_key_value_heads=2, head_dim=16,
                                         query_pre_attn_scalar=16, sliding_window=4, **SPECIAL))
    text(root, "gemma3", tf.Gemma3TextConfig(**size(num_hidden_layers=6), num_key_value_heads=1, head_dim=16,
                                             query_pre_attn_scalar=16, sliding_window=4, **SPECIAL))
    text(root, "phi3", tf.Phi3Config(**SIZE, num_key_value_heads=2, **SPECIAL))
    text(root, "olmo2", tf.Olmo2Config(**SIZE, num_key_value_heads=2, **SPECIAL))
    text(root, "smollm3", tf.SmolLM3Config(**size(num_hidden_layers=4), num_key_value_heads=2,
                                           no_rope_layer_interval=2, **SPECIAL))
    text(root, "deberta_v3", tf.DebertaV2Config(
        **SIZE, relative_attention=True, max_relative_positions=-1, position_buckets=8, norm_rel_ebd="layer_norm",
        share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False, type_vocab_size=0,
        layer_norm_eps=1e-7, pad_token_id=0), causal=False)
    text(root, "modernbert", tf.ModernBertConfig(**size(num_hidden_layers=3), local_attention=6,
                                                 global_attn_every_n_layers=3, cls_token_id=1, sep_token_id=2,
                                                 **SPECIAL), causal=False)
    text(root, "electra", tf.ElectraConfig(**SIZE, embedding_size=16, pad_token_id=0), causal=False)
    text(root, "mpnet", tf.MPNetConfig(**size(max_position_embeddings=66), pad_token_id=1), causal=False, pad=1)
    vision(root, "clip_vision", tf.CLIPVisionModel(tf.CLIPVisionConfig(**TOWER)), 32)
    vision(root, "siglip_vision", tf.SiglipVisionModel(tf.SiglipVisionConfig(**TOWER)), 32)
    vision(root, "convnext", tf.ConvNextModel(tf.ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 2, 1],
                                                                image_size=32)), 64)
    long = size(max_position_embeddings=128)
    text(root, "phi3_longrope", tf.Phi3Config(
        **long, original_max_position_embeddings=32, num_key_value_heads=2, sliding_window=5, **SPECIAL,
        rope_parameters=dict(LONG, partial_rotary_factor=1.0, short_factor=[1.0, 1.1, 1.4, 2.0],
                             long_factor=[1.0, 2.0, 3.0, 4.0])))
    text(root, "phi4_partial", tf.Phi3Config(
        **long, original_max_position_embeddings=32, num_key_value_heads=2, tie_word_embeddings=True, **SPECIAL,
        rope_parameters=dict(LONG, partial_rotary_factor=0.5, short_factor=[1.0, 1.3], long_factor=[1.0, 2.0])))
    text(root, "xlm_roberta", tf.XLMRobertaConfig(**size(max_position_embeddings=66), pad_token_id=1), causal=False,
         pad=1)


main()
