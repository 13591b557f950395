#include "generate.hpp"

#include <algorithm>
#include <numeric>

namespace w2s::hf {
namespace {

using Ids = Generator::Ids;

// One token from logits [V] (float64, CPU).
std::int32_t sample(const Tensor& logits, const GenerateOptions& options, Stream& stream) {
  const Tensor probabilities = at::softmax(logits / options.temperature, 0);
  const auto [sorted, order] = at::sort(probabilities, 0, /*descending=*/true);
  const double* p = sorted.data_ptr<double>();
  const std::int64_t* token = order.data_ptr<std::int64_t>();
  std::int64_t kept = 0;
  double mass = 0;
  while (kept < sorted.numel() && (kept == 0 || mass < options.top_p)) mass += p[kept++];
  double left = stream.uniform() * mass;
  std::int64_t chosen = 0;
  while (chosen + 1 < kept && left >= p[chosen]) left -= p[chosen++];
  return static_cast<std::int32_t>(token[chosen]);
}

std::vector<std::int32_t> pick(const Tensor& logits, const GenerateOptions& options,
                               std::vector<Stream>& streams) {
  std::vector<std::int32_t> tokens;
  if (options.temperature == 0) {
    const Tensor best = logits.argmax(1).cpu();
    for (std::int64_t r = 0; r < best.size(0); ++r) {
      tokens.push_back(static_cast<std::int32_t>(best.data_ptr<std::int64_t>()[r]));
    }
    return tokens;
  }
  const Tensor exact = logits.cpu().to(at::kDouble);
  for (std::int64_t r = 0; r < exact.size(0); ++r) {
    tokens.push_back(sample(exact[r], options, streams[static_cast<std::size_t>(r)]));
  }
  return tokens;
}

Tensor column(const std::vector<std::int64_t>& values) {
  Tensor tensor = at::empty({static_cast<std::int64_t>(values.size()), 1}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.data_ptr<std::int64_t>());
  return tensor;
}

void check(const std::vector<Ids>& prompts, const GenerateOptions& options, std::int64_t context) {
  if (options.max_tokens < 1 || options.max_tokens >= context) {
    throw UsageError("generate: max_tokens = " + std::to_string(options.max_tokens) +
                     " is out of range: a context of " + std::to_string(context) + " has room for 1 to " +
                     std::to_string(context - 1) + " beside a prompt");
  }
  if (!(options.temperature >= 0) || !(options.top_p > 0 && options.top_p <= 1) || options.batch < 1) {
    throw UsageError("generate: expected temperature at least 0, top_p in (0, 1] and batch at least 1");
  }
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (prompts[i].empty()) throw UsageError("generate: prompt " + std::to_string(i) + " is empty");
  }
}

}  // namespace

std::vector<Ids> Generator::run(const std::vector<Ids>& prompts, const GenerateOptions& options) const {
  check(prompts, options, context_);
  const at::NoGradGuard no_grad;
  const auto longest = static_cast<std::size_t>(context_ - options.max_tokens);
  const Stream root(options.seed, "generate");
  std::vector<Ids> answers;
  for (std::size_t begin = 0; begin < prompts.size(); begin += static_cast<std::size_t>(options.batch)) {
    const std::size_t end = std::min(prompts.size(), begin + static_cast<std::size_t>(options.batch));
    std::vector<Ids> batch;
    std::vector<Stream> streams;
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t cut = prompts[i].size() > longest ? prompts[i].size() - longest : 0;
      batch.emplace_back(prompts[i].begin() + static_cast<std::ptrdiff_t>(cut), prompts[i].end());
      streams.push_back(root.child(std::to_string(i)));
    }
    for (Ids& answer : run_batch(batch, options, streams)) answers.push_back(std::move(answer));
  }
  return answers;
}

std::vector<Ids> Generator::run_batch(const std::vector<Ids>& prompts, const GenerateOptions& options,
                                      std::vector<Stream>& streams) const {
  const std::size_t rows = prompts.size();
  std::size_t width = 0;
  for (const Ids& prompt : prompts) width = std::max(width, prompt.size());
  Tensor ids = at::zeros({static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)}, at::kLong);
  std::vector<std::int64_t> lengths;
  for (std::size_t r = 0; r < rows; ++r) {
    std::copy(prompts[r].begin(), prompts[r].end(), ids.data_ptr<std::int64_t>() + r * width);
    lengths.push_back(static_cast<std::int64_t>(prompts[r].size()));
  }

  KeyValueCache cache(static_cast<std::int64_t>(width) + options.max_tokens);
  cache.grow(static_cast<std::int64_t>(width));
  Inputs in;
  in.x = ids.to(device_);
  in.attention = attention_;
  in.cache = &cache;
  const Tensor states = family_.hidden(weights_, in, family_.depth());
  const Tensor last = column(lengths).sub_(1).unsqueeze(2).to(device_).expand({-1, 1, states.size(2)});
  Tensor state = states.gather(1, last);

  std::vector<Ids> answers(rows);
  std::vector<bool> done(rows, false);
  for (std::int64_t step = 0; step < options.max_tokens; ++step) {
    const Ids next = pick(output_logits(family_, weights_, state.squeeze(1)), options, streams);
    for (std::size_t r = 0; r < rows; ++r) {
      if (done[r]) continue;
      done[r] = std::find(options.stop.begin(), options.stop.end(), next[r]) != options.stop.end();
      if (!done[r]) answers[r].push_back(next[r]);
    }
    if (step + 1 == options.max_tokens || std::all_of(done.begin(), done.end(), [](bool d) { return d; }))
      break;
    cache.grow(*std::max_element(lengths.begin(), lengths.end()) + 1);
    in.x = column({next.begin(), next.end()}).to(device_);
    in.positions = column(lengths).to(device_);
    state = family_.hidden(weights_, in, family_.depth());
    for (std::int64_t& length : lengths) ++length;
  }
  return answers;
}

}  // namespace w2s::hf
