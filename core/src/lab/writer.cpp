#include "lab/writer.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include <w2s/digest.hpp>
#include <w2s/safetensors.hpp>
#include <w2s/tokenizer.hpp>
#include <w2s/torch_compat.hpp>

#include "base/files.hpp"
#include "engine/answers.hpp"
#include "engine/team/shares.hpp"
#include "lab/text_examples.hpp"
#include "store/payload.hpp"

namespace w2s {
namespace {

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

constexpr Tensor AnswerScores::*kScores[] = {&AnswerScores::log_probability, &AnswerScores::tokens,
                                             &AnswerScores::inner_log_probability,
                                             &AnswerScores::inner_tokens};

AnswerScores no_scores(std::int64_t rows) {
  return {at::zeros({rows}, at::kDouble), at::zeros({rows}, at::kLong), at::zeros({rows}, at::kDouble),
          at::zeros({rows}, at::kLong)};
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

std::string digest_of(const std::vector<std::string>& texts) {
  Digest sha;
  for (const std::string& text : texts) sha.add(text);
  return sha.hex();
}

void Writer::require_one(const Student& student) const {
  if (!context_.generation()) throw UsageError("this task has classes, not answers");
  if (student.members().size() == 1) return;
  throw UsageError(
      fmt::format("answers are those of one student; this one has {} members", student.members().size()));
}

// Most tokens of an answer: half as many again as the longest of the supervisor half, and two. What is longer
// is wrong whatever it says.
std::int64_t Writer::answer_limit(const IModel& model) const {
  const Half& half = context_.setup.splits->supervisor;
  std::size_t longest = 1;
  for (const Examples* examples : {&half.train, &half.validation}) {
    for (const auto& ids : model.tokenizer().encode_batch(references_of(*examples), false))
      longest = std::max(longest, ids.size());
  }
  return std::min(static_cast<std::int64_t>(longest + (longest + 1) / 2 + 2), model.context() - 1);
}

void Writer::set_limit(Recipe& recipe) const {
  const Half& half = context_.setup.splits->supervisor;
  recipe.set("answers_as_long_as",
             digest_of(references_of(half.train)) + digest_of(references_of(half.validation)));
}

Encoded Writer::encode(const IModel& model, const Examples& examples) const {
  Encoded encoded = model.encode(examples, TaskKind::generation);
  cut_prompts(encoded, model.context() - answer_limit(model));
  return encoded;
}

Answers Writer::answer(const Student& student, const Examples& examples, bool oracle) {
  require_one(student);
  if (examples.empty()) return {{}, at::empty({0})};
  const StoredFit& fit = context_.fits.at(student.members()[0]);
  const Examples prompts = prompts_of(drafts_.read(fit.draft, examples));
  Recipe recipe = context_.recipe("answers", true);
  recipe.set("student", fit.key)
      .set("weights", oracle ? "oracle" : "kept")
      .set("prompts", prompts.input_digest());
  set_limit(recipe);
  const std::string key = recipe.key();
  context_.store().once(key, [&] {
    Backbone backbone = backbones_.of(fit);
    backbone.oracle = oracle && fit.trained_backbone;
    const Examples own = context_.own_part(prompts);
    const Answers written =
        own.empty() ? Answers{{}, at::empty({0})}
                    : calling(backbones_.plugin_of(backbone), [&] { return write(backbone, own); });
    const float* certainty = written.certainty.data_ptr<float>();
    nlohmann::json json = {
        {"texts", written.texts},
        {"certainty", std::vector<float>(certainty, certainty + written.certainty.numel())}};
    if (Team* team = context_.setup.team) json = joined(team->all_gather(json.dump()));
    context_.store().put(key, "answers", [&](ObjectWriter& object) {
      write_file_atomically(object.folder() + "/" + kAnswersFile, json.dump());
      recipe.write(object.manifest());
      object.manifest().update({{"student", fit.key}, {"examples", prompts.size()}});
    });
  });
  const nlohmann::json json =
      nlohmann::json::parse(read_file(context_.store().path(key) + "/" + kAnswersFile));
  return {json.at("texts").get<std::vector<std::string>>(),
          at::tensor(json.at("certainty").get<std::vector<float>>(), at::kFloat)};
}

// Greedy answers to prompts with empty answers. Prompts of like length are continued together.
Answers Writer::write(const Backbone& backbone, const Examples& prompts) {
  context_.tell(fmt::format("answers to {} prompts", prompts.size()));
  const compat::Autocast mixed(context_.setup.device.type(), backbone.precision);
  IModel& model = backbones_.shared(backbone);
  const Prompts read = prompts_in(encode(model, prompts));
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
      w2s::score_answers(model, encode(model, rows.examples()), context_.setup.device, kMicroTokens);
  return {texts, (scores.log_probability / scores.tokens.clamp_min(1)).exp().to(at::kFloat)};
}

AnswerScores Writer::score(const Student& student, const Examples& examples,
                           const std::vector<std::string>& answers, bool prompted) {
  require_one(student);
  if (examples.empty()) return no_scores(0);
  const StoredFit& fit = context_.fits.at(student.members()[0]);
  TextRows rows;
  rows.add(prompted ? drafts_.read(fit.draft, examples) : examples, answers);
  if (!prompted) rows.prompts.assign(rows.prompts.size(), "");
  const Examples texts = rows.examples();
  Recipe recipe = context_.recipe("scores", true);
  recipe.set("student", fit.key).set("texts", texts.input_digest());
  set_limit(recipe);
  const std::string key = recipe.key();
  context_.store().once(key, [&] {
    context_.tell(fmt::format("scores of {} answers", texts.size()));
    const Backbone backbone = backbones_.of(fit);
    const compat::Autocast mixed(context_.setup.device.type(), backbone.precision);
    const AnswerScores scores = calling(backbones_.plugin_of(backbone),
                                        [&] { return compute_scores(backbones_.shared(backbone), texts); });
    context_.store().put(key, "scores", [&](ObjectWriter& object) {
      save_safetensors(object.folder() + "/" + kScoresFile,
                       {{"log_probability", scores.log_probability},
                        {"tokens", scores.tokens},
                        {"inner_log_probability", scores.inner_log_probability},
                        {"inner_tokens", scores.inner_tokens}});
      recipe.write(object.manifest());
      object.manifest().update({{"student", fit.key}, {"examples", texts.size()}});
    });
  });
  const SafeTensors file = SafeTensors::open(context_.store().path(key) + "/" + kScoresFile);
  return {file.at("log_probability").clone(), file.at("tokens").clone(),
          file.at("inner_log_probability").clone(), file.at("inner_tokens").clone()};
}

// The processes of a team compute a part each.
AnswerScores Writer::compute_scores(IModel& model, const Examples& texts) {
  const std::int64_t end =
      answer_length(model.encode(prompts_of(texts.slice(0, 1)), TaskKind::generation), 0);
  const auto compute = [&](const Examples& some) {
    return w2s::score_answers(model, encode(model, some), context_.setup.device, kMicroTokens, end);
  };
  Team* team = context_.setup.team;
  if (team == nullptr) return compute(texts);
  AnswerScores scores = no_scores(texts.size());
  const auto [first, last] = range_of(texts.size(), team->rank(), team->size());
  if (first < last) {
    const AnswerScores own = compute(context_.own_part(texts));
    for (Tensor AnswerScores::*part : kScores) (scores.*part).slice(0, first, last).copy_(own.*part);
  }
  for (Tensor AnswerScores::*part : kScores) team->all_reduce(scores.*part);
  return scores;
}

}  // namespace w2s
