// Generation: what students write, how likely answers are to them, and drafts that are read with the input.
#include <algorithm>
#include <numeric>

#include "engine/answers.hpp"
#include "engine/team/shares.hpp"
#include "lab/local_lab_parts.hpp"
#include "lab/text_examples.hpp"

#include <w2s/tokenizer.hpp>
#include <w2s/torch_compat.hpp>

namespace w2s {
namespace {

std::string digest_of(const std::vector<std::string>& texts) {
  Digest sha;
  for (const std::string& text : texts) sha.add(text);
  return sha.hex();
}

// What the model reads of encoded prompts with empty answers, and what ends its texts.
struct Prompts {
  std::vector<std::vector<std::int32_t>> ids;
  std::vector<std::int32_t> stop;
};

Prompts prompts_in(const Encoded& encoded) {
  Prompts prompts;
  for (std::int64_t row = 0; row < encoded.rows(); ++row) {
    const auto r = static_cast<std::size_t>(row);
    const auto begin = encoded.tokens.begin() + encoded.offsets[r], answer = begin + encoded.answers[r];
    prompts.ids.emplace_back(begin, answer);
    if (prompts.stop.empty()) prompts.stop.assign(answer, encoded.tokens.begin() + encoded.offsets[r + 1]);
  }
  return prompts;
}

// One object of lists, end to end, of the processes' own.
nlohmann::json joined(const std::vector<std::string>& parts) {
  nlohmann::json all;
  for (const std::string& part : parts) {
    const nlohmann::json lists = nlohmann::json::parse(part);
    for (const auto& [name, list] : lists.items()) {
      for (const auto& value : list) all[name].push_back(value);
    }
  }
  return all;
}

}  // namespace

void LocalLab::require_answers(const Student& student) const {
  if (setup_.data->kind != TaskKind::generation) throw UsageError("this task has classes, not answers");
  if (student.members().size() == 1) return;
  throw UsageError(
      fmt::format("answers are those of one student; this one has {} members", student.members().size()));
}

// Most tokens of an answer: half as many again as the longest of the supervisor half, and two. What is longer
// is wrong whatever it says.
std::int64_t LocalLab::answer_limit(const IModel& model) const {
  std::size_t longest = 1;
  for (const Examples* examples : {&setup_.splits->supervisor.train, &setup_.splits->supervisor.validation}) {
    for (const auto& ids : model.tokenizer().encode_batch(references_of(*examples), false))
      longest = std::max(longest, ids.size());
  }
  return std::min(static_cast<std::int64_t>(longest + (longest + 1) / 2 + 2), model.context() - 1);
}

// Prompts with answers, as the model reads them in training and in use.
Encoded LocalLab::encode_answers(const IModel& model, const Examples& examples) const {
  Encoded encoded = model.encode(examples, TaskKind::generation);
  cut_prompts(encoded, model.context() - answer_limit(model));
  return encoded;
}

Answers LocalLab::answer(const Student& student, const Examples& examples) {
  require_answers(student);
  return member_answers(student.members()[0], examples, /*oracle=*/false);
}

Answers LocalLab::answer_oracle(const Student& student, const Examples& examples) {
  return member_answers(student.members().at(0), examples, /*oracle=*/true);
}

Answers LocalLab::member_answers(const std::string& student, const Examples& examples, bool oracle) {
  if (examples.empty()) return {{}, at::empty({0})};
  const Fitted& fit = fitted(student);
  const Examples prompts = prompts_of(with_draft(fit.draft, examples));
  Digest sha;
  const std::string key = sha.add("answers")
                              .add(engine_digest())
                              .add(student)
                              .add(oracle ? "oracle" : "kept")
                              .add(prompts.input_digest())
                              .add(digest_of(references_of(setup_.splits->supervisor.train)))
                              .add(digest_of(references_of(setup_.splits->supervisor.validation)))
                              .add(device_kind(setup_.device))
                              .hex();
  setup_.store->once(key, [&] {
    Backbone backbone = backbone_of(fit);
    backbone.oracle = oracle && fit.trained_backbone;
    const Examples own = own_part(prompts);
    const Answers written = own.empty()
                                ? Answers{{}, at::empty({0})}
                                : calling(plugin_of(backbone), [&] { return write_answers(backbone, own); });
    const float* certainty = written.certainty.data_ptr<float>();
    nlohmann::json json = {
        {"texts", written.texts},
        {"certainty", std::vector<float>(certainty, certainty + written.certainty.numel())}};
    if (setup_.team != nullptr) json = joined(setup_.team->gather(json.dump()));
    setup_.store->put(key, "answers", [&](ObjectWriter& object) {
      write_file_atomically(object.folder() + "/answers.json", json.dump());
      object.manifest().update({{"student", student}, {"examples", prompts.size()}});
    });
  });
  const nlohmann::json json = nlohmann::json::parse(read_file(setup_.store->path(key) + "/answers.json"));
  return {json.at("texts").get<std::vector<std::string>>(),
          at::tensor(json.at("certainty").get<std::vector<float>>(), at::kFloat)};
}

// Greedy answers to prompts with empty answers. Prompts of like length are continued together.
Answers LocalLab::write_answers(const Backbone& backbone, const Examples& prompts) {
  if (setup_.progress) setup_.progress({fmt::format("answers to {} prompts", prompts.size()), {}});
  const compat::Autocast mixed(setup_.device.type(), backbone.precision);
  IModel& model = model_of(backbone);
  const Prompts read = prompts_in(encode_answers(model, prompts));
  GenerateOptions options;
  options.max_tokens = answer_limit(model);
  options.stop = read.stop;
  std::vector<std::size_t> order(read.ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return read.ids[a].size() > read.ids[b].size(); });
  std::vector<std::vector<std::int32_t>> sorted;
  for (const std::size_t i : order) sorted.push_back(read.ids[i]);
  const auto answers = model.generate(sorted, options);

  TextRows rows;
  std::vector<std::string> texts(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    // As it will be read again: bytes that are no UTF-8 are replaced.
    const nlohmann::json text = model.tokenizer().decode(answers[i]);
    const auto replace = nlohmann::json::error_handler_t::replace;
    texts[order[i]] = nlohmann::json::parse(text.dump(-1, ' ', false, replace)).get<std::string>();
  }
  rows.add(prompts, texts);
  const AnswerScores scores =
      w2s::score_answers(model, encode_answers(model, rows.examples()), setup_.device, kMicroTokens);
  return {texts, (scores.log_probability / scores.tokens.clamp_min(1)).exp().to(at::kFloat)};
}

AnswerScores LocalLab::score_answers(const Student& student, const Examples& examples,
                                     const std::vector<std::string>& answers, bool prompted) {
  require_answers(student);
  if (examples.empty()) return {at::empty({0}, at::kDouble), at::empty({0}, at::kLong)};
  const std::string& member = student.members()[0];
  const Fitted& fit = fitted(member);
  TextRows rows;
  rows.add(prompted ? with_draft(fit.draft, examples) : examples, answers);
  if (!prompted) rows.prompts.assign(rows.prompts.size(), "");
  const Examples texts = rows.examples();
  Digest sha;
  const std::string key = sha.add("scores")
                              .add(engine_digest())
                              .add(member)
                              .add(texts.input_digest())
                              .add(device_kind(setup_.device))
                              .hex();
  setup_.store->once(key, [&] {
    if (setup_.progress) setup_.progress({fmt::format("scores of {} answers", texts.size()), {}});
    const Backbone backbone = backbone_of(fit);
    const compat::Autocast mixed(setup_.device.type(), backbone.precision);
    const AnswerScores scores =
        calling(plugin_of(backbone), [&] { return compute_scores(model_of(backbone), texts); });
    setup_.store->put(key, "scores", [&](ObjectWriter& object) {
      save_safetensors(object.folder() + "/scores.safetensors",
                       {{"log_probability", scores.log_probability}, {"tokens", scores.tokens}});
      object.manifest().update({{"student", member}, {"examples", texts.size()}});
    });
  });
  const SafeTensors file = SafeTensors::open(setup_.store->path(key) + "/scores.safetensors");
  return {file.at("log_probability").clone(), file.at("tokens").clone()};
}

// Scores of answers; the processes of a team compute a part each.
AnswerScores LocalLab::compute_scores(IModel& model, const Examples& texts) {
  const auto compute = [&](const Examples& some) {
    return w2s::score_answers(model, encode_answers(model, some), setup_.device, kMicroTokens);
  };
  Team* team = setup_.team;
  if (team == nullptr) return compute(texts);
  AnswerScores scores{at::zeros({texts.size()}, at::kDouble), at::zeros({texts.size()}, at::kLong)};
  const auto [first, last] = range_of(texts.size(), team->rank(), team->size());
  if (first < last) {
    const AnswerScores own = compute(own_part(texts));
    scores.log_probability.slice(0, first, last).copy_(own.log_probability);
    scores.tokens.slice(0, first, last).copy_(own.tokens);
  }
  team->sum(scores.log_probability);
  team->sum(scores.tokens);
  return scores;
}

// The examples with what `draft` says of each at the end of its text.
Examples LocalLab::with_draft(const Student& draft, const Examples& examples) {
  if (draft.empty() || examples.empty()) return examples;
  if (!examples.has_text())
    throw UsageError("a draft is read with a text, and this task's examples are dense");
  TextRows rows;
  switch (setup_.data->kind) {
    case TaskKind::generation: {
      rows.add(examples, references_of(examples));
      const Answers answers = answer(draft, examples);
      for (std::size_t i = 0; i < rows.prompts.size(); ++i)
        rows.prompts[i] += " " + trimmed(answers.texts[i]);
      return rows.examples();
    }
    case TaskKind::classification: {
      rows.add(examples, std::vector<std::string>(static_cast<std::size_t>(examples.size())));
      const Tensor chosen = predict(draft, examples).argmax(1);
      const std::vector<std::string>& names = setup_.data->class_names;
      for (std::size_t i = 0; i < rows.prompts.size(); ++i) {
        const auto c = chosen[static_cast<std::int64_t>(i)].item<std::int64_t>();
        rows.prompts[i] += " " + (names.empty() ? std::to_string(c) : names[static_cast<std::size_t>(c)]);
      }
      return rows.examples();
    }
    case TaskKind::preference:
      break;
  }
  throw UsageError("a draft is read with one text, and preferences are of two");
}

}  // namespace w2s
