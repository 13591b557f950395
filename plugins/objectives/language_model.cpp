// Next-token prediction: a causal model learns to continue texts, the task's own or those of files.
#include <w2s/data_file.hpp>
#include <w2s/objective.hpp>
#include <w2s/tokenizer.hpp>

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

namespace w2s {
namespace {

enum class Documents { line, paragraph, file };
constexpr auto enum_names(Documents) { return std::array{"line", "paragraph", "file"}; }

class LanguageModel final : public IObjective {
 public:
  struct Params {
    std::vector<std::string> files;
    Documents documents = Documents::paragraph;
    double held_out = 0.02;
    std::int64_t length = 0;
    std::int64_t tokens = 0;
    std::int64_t seed = 0;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Next-token prediction for causal language models. Texts are joined, each followed by the "
         "end-of-text "
         "token, and cut into rows of one length: nothing is padded, and what does not fill a last row is "
         "left "
         "out. A share of the texts is held out; the perplexity on them is kept with the pretraining.")
        .formula("mean of −log p(token t + 1 | tokens 0 … t of the row)")
        .source("Radford et al. 2019");
    s.field("files", &Params::files,
            "text files, plain, gzip or Zstandard, in the place of the task's texts; "
            "empty: the task's")
        .path();
    s.field("documents", &Params::documents, "what one text is in such a file");
    s.field("held_out", &Params::held_out, "share of the texts that is held out").at_least(0).below(1);
    s.field("length", &Params::length, "tokens of a row; 0: the model's context").at_least(0);
    s.field("tokens", &Params::tokens, "train on the first so many tokens of the shuffled texts; 0: all")
        .at_least(0);
    s.field("seed", &Params::seed, "of the order of the texts, and so of what is held out").at_least(0);
  }

  explicit LanguageModel(const Params& params) : params_(params) {
    if (params_.length == 1)
      throw UsageError("objective 'language_model': a row of one token predicts nothing");
  }

  std::vector<std::string> files() const override { return params_.files; }

  Encoded inputs(const IModel& model, const Examples& examples, TaskKind) override {
    const Tokenizer& tokenizer = model.tokenizer();
    const std::optional<std::int32_t> end = tokenizer.special_id(TokenRole::eos);
    if (!end) throw UsageError("objective 'language_model': the model's tokenizer has no end-of-text token");
    const std::int64_t length = params_.length > 0 ? params_.length : model.context();
    if (length > model.context()) {
      throw UsageError("objective 'language_model': length = " + std::to_string(length) +
                       " is more than the model's context of " + std::to_string(model.context()));
    }
    const std::vector<std::string> texts = params_.files.empty() ? texts_of(examples) : texts_of_files();
    const auto count = static_cast<std::int64_t>(texts.size());
    const std::vector<std::int64_t> order =
        Stream(static_cast<std::uint64_t>(params_.seed), "language_model/order").permutation(count);
    const auto apart = static_cast<std::int64_t>(std::ceil(params_.held_out * static_cast<double>(count)));
    held_out_ = packed(tokenizer, texts, {order.begin(), order.begin() + apart}, *end, length, 0);
    Encoded rows =
        packed(tokenizer, texts, {order.begin() + apart, order.end()}, *end, length, params_.tokens);
    if (rows.rows() == 0) {
      throw UsageError("objective 'language_model': " + std::to_string(count - apart) +
                       " texts do not fill one row of " + std::to_string(length) + " tokens");
    }
    return rows;
  }

  void begin(IModel&, const Encoded&, Stream) override {}

  Tensor loss(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows, Stream&) override {
    return losses(model, inputs, rows).mean();
  }

  std::map<std::string, double> measures(IModel& model) override {
    const at::NoGradGuard no_grad;
    double sum = 0;
    std::int64_t predicted = 0;
    constexpr std::int64_t kRows = 32;
    for (std::int64_t begin = 0; begin < held_out_.rows(); begin += kRows) {
      std::vector<std::int64_t> rows;
      for (std::int64_t r = begin; r < std::min(begin + kRows, held_out_.rows()); ++r) rows.push_back(r);
      const Tensor each = losses(model, held_out_, rows);
      sum += each.sum(at::kDouble).item<double>();
      predicted += each.numel();
    }
    if (predicted == 0) return {};
    return {{"held_out_perplexity", std::exp(sum / static_cast<double>(predicted))},
            {"held_out_tokens", static_cast<double>(predicted)}};
  }

 private:
  static std::vector<std::string> texts_of(const Examples& examples) {
    if (!examples.has_text()) {
      throw UsageError(
          "objective 'language_model': the task's examples are not text; name text files in 'files'");
    }
    std::vector<std::string> texts;
    const bool pairs = !examples.columns().second.empty();
    for (std::int64_t i = 0; i < examples.size(); ++i) {
      texts.push_back(examples.text(i));
      if (pairs) texts.push_back(examples.second(i));
    }
    return texts;
  }

  std::vector<std::string> texts_of_files() const {
    std::vector<std::string> texts;
    const auto add = [&](std::string_view text) {
      const std::size_t first = text.find_first_not_of(" \t\r\n");
      if (first == std::string_view::npos) return;
      texts.emplace_back(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
    };
    for (const std::string& path : params_.files) {
      const std::string bytes = read_data_file(path);
      if (params_.documents == Documents::file) {
        add(bytes);
        continue;
      }
      const bool lines = params_.documents == Documents::line;
      std::size_t text = 0;  // where the current one begins
      for (std::size_t line = 0; line < bytes.size();) {
        const std::size_t next = std::min(bytes.find('\n', line), bytes.size() - 1) + 1;
        const std::string_view content(bytes.data() + line, next - line);
        if (lines || content.find_first_not_of(" \t\r\n") == std::string_view::npos) {
          add(std::string_view(bytes).substr(text, next - text));
          text = next;
        }
        line = next;
      }
      add(std::string_view(bytes).substr(text));
    }
    if (texts.empty()) throw UsageError("objective 'language_model': the files hold no text");
    return texts;
  }

  // Rows of `length` tokens of the chosen texts, joined; `most` tokens of them, 0 for all.
  static Encoded packed(const Tokenizer& tokenizer, const std::vector<std::string>& texts,
                        const std::vector<std::int64_t>& chosen, std::int32_t end, std::int64_t length,
                        std::int64_t most) {
    Encoded rows;
    constexpr std::size_t kTexts = 4096;
    for (std::size_t begin = 0; begin < chosen.size(); begin += kTexts) {
      if (most > 0 && static_cast<std::int64_t>(rows.tokens.size()) >= most) break;
      std::vector<std::string> part;
      for (std::size_t i = begin; i < std::min(begin + kTexts, chosen.size()); ++i) {
        part.push_back(texts[static_cast<std::size_t>(chosen[i])]);
      }
      for (const Tokenizer::Ids& ids :
           tokenizer.encode_batch(part, /*add_special_tokens=*/false, at::get_num_threads())) {
        rows.tokens.insert(rows.tokens.end(), ids.begin(), ids.end());
        rows.tokens.push_back(end);
      }
    }
    auto count = static_cast<std::int64_t>(rows.tokens.size());
    if (most > 0) count = std::min(count, most);
    rows.tokens.resize(static_cast<std::size_t>(count / length * length));
    for (std::int64_t offset = 0; offset <= static_cast<std::int64_t>(rows.tokens.size()); offset += length) {
      rows.offsets.push_back(offset);
    }
    return rows;
  }

  // −log p of every predicted token, [R · (T − 1)].
  static Tensor losses(IModel& model, const Encoded& inputs, const std::vector<std::int64_t>& rows) {
    const std::int64_t length = inputs.length(rows.at(0)), count = static_cast<std::int64_t>(rows.size());
    Tensor ids = at::empty({count, length}, at::kLong);
    for (std::int64_t r = 0; r < count; ++r) {
      const auto begin =
          inputs.tokens.begin() + inputs.offsets[static_cast<std::size_t>(rows[static_cast<std::size_t>(r)])];
      std::copy(begin, begin + length, ids.data_ptr<std::int64_t>() + r * length);
    }
    const Tensor x = ids.to(model.parameters().items().at(0).tensor.device());
    const Batch batch{x, {}, std::vector<std::int64_t>(static_cast<std::size_t>(count), length)};
    const Tensor hidden = model.hidden(batch).narrow(1, 0, length - 1);
    const Tensor logits = model.vocabulary_logits(hidden.flatten(0, 1)).to(at::kFloat);
    return at::cross_entropy_loss(logits, x.narrow(1, 1, length - 1).flatten(), {}, at::Reduction::None);
  }

  const Params params_;
  Encoded held_out_;
};

W2S_OBJECTIVE(LanguageModel, "language_model");

}  // namespace
}  // namespace w2s
