#include <w2s/parallel.hpp>

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>

#include "../support/threads.hpp"
#include "engine/optimizer.hpp"
#include "gelu.hpp"
#include "packed_attention.hpp"

namespace w2s {
namespace {

using w2s::testing::Threads;

using Ranges = std::set<std::pair<std::int64_t, std::int64_t>>;

// The ranges of a loop and how many threads they were in.
std::pair<Ranges, std::size_t> ranges_of(std::int64_t count, std::int64_t grain) {
  Ranges ranges;
  std::set<std::thread::id> threads;
  std::mutex mutex;
  in_threads(count, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::lock_guard lock(mutex);
    ranges.emplace(begin, end);
    threads.insert(std::this_thread::get_id());
  });
  return {ranges, threads.size()};
}

TEST(InThreads, SharesTheTurnsOutAmongLibTorchsThreads) {
  const Threads three(3);
  EXPECT_EQ(ranges_of(10, 1), (std::pair<Ranges, std::size_t>({{0, 3}, {3, 6}, {6, 10}}, 3)));
  EXPECT_EQ(ranges_of(2, 1), (std::pair<Ranges, std::size_t>({{0, 1}, {1, 2}}, 2)));
  EXPECT_EQ(ranges_of(25, 10), (std::pair<Ranges, std::size_t>({{0, 12}, {12, 25}}, 2)));
  EXPECT_EQ(ranges_of(19, 10), (std::pair<Ranges, std::size_t>({{0, 19}}, 1)));
  EXPECT_EQ(ranges_of(0, 1).first, Ranges());
}

TEST(InThreads, StaysInItsThreadWhereThatIsOneOfThem) {
  const Threads two(2);
  in_threads(2, 1, [&](std::int64_t, std::int64_t) {
    EXPECT_EQ(ranges_of(10, 1), (std::pair<Ranges, std::size_t>({{0, 10}}, 1)));
  });
  const Threads one(1);
  EXPECT_EQ(ranges_of(10, 1), (std::pair<Ranges, std::size_t>({{0, 10}}, 1)));
}

TEST(InThreads, PassesAnExceptionOnWhenAllHaveEnded) {
  const Threads two(2);
  std::atomic<int> ended{0};
  const auto turn = [&](std::int64_t begin, std::int64_t) {
    if (begin > 0) throw std::out_of_range("the second half");
    ++ended;
  };
  EXPECT_THAT([&] { in_threads(2, 1, turn); },
              ::testing::ThrowsMessage<std::out_of_range>(::testing::HasSubstr("the second half")));
  EXPECT_EQ(ended, 1);
}

TEST(SetThreads, HoldsForMatrixProductsToo) {
  const auto of_products = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"));
  if (of_products == nullptr) GTEST_SKIP() << "not OpenBLAS";
  for (const int count : {1, 2, 1}) {
    set_threads(count);
    EXPECT_EQ(at::get_num_threads(), count);
    EXPECT_EQ(of_products(), count);
  }
}

TEST(SetThreads, StartsNoneAfterAForkWhereOneIsEnough) {
  const Threads threads(1);
  const pid_t child = fork();
  if (child == 0) {
    set_threads(1);
    const Tensor a = at::ones({64, 64});
    const bool right = at::mm(a, a).sum().item<double>() == 64.0 * 64 * 64;
    const std::filesystem::directory_iterator running("/proc/self/task"), end;
    _exit(right && std::distance(running, end) == 1 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "a wrong product or a second thread";
}

Tensor numbers(at::IntArrayRef shape, double first) {
  const std::int64_t count = c10::multiply_integers(shape);
  return (at::arange(count, at::kFloat) * 0.37 + first).sin().view(shape);
}

// What f gives on one thread and on two.
template <class F>
void expect_same_bits(F&& f) {
  std::vector<std::vector<Tensor>> results;
  for (const int count : {1, 2}) {
    const Threads threads(count);
    results.push_back(f());
  }
  for (std::size_t i = 0; i < results[0].size(); ++i) EXPECT_TRUE(results[0][i].equal(results[1][i])) << i;
}

TEST(TwoThreads, GiveTheBitsOfOneInTheOptimizer) {
  expect_same_bits([] {
    TrainParams train;
    train.optimizer = OptimizerKind::adamw;
    train.weight_decay = 0.1;
    const Tensor weights = numbers({100003}, 1).requires_grad_(true);
    Optimizer optimizer({weights}, train);
    for (int step = 0; step < 3; ++step) {
      weights.mutable_grad() = numbers({100003}, 2 + step);
      optimizer.step(0.1);
    }
    return std::vector<Tensor>{weights.detach()};
  });
}

TEST(TwoThreads, GiveTheBitsOfOneInGelu) {
  expect_same_bits([] {
    const Tensor x = numbers({100003}, 1).requires_grad_(true), y = hf::tanh_gelu(x);
    y.backward(numbers({100003}, 2));
    return std::vector<Tensor>{y.detach(), x.grad()};
  });
}

TEST(TwoThreads, GiveTheBitsOfOneInPackedAttention) {
  expect_same_bits([] {
    const auto offsets = std::make_shared<const hf::Offsets>(hf::Offsets{0, 70, 95, 95, 110, 111});
    const Tensor q = numbers({1, 6, 111, 20}, 1).requires_grad_(true);
    const Tensor k = numbers({1, 3, 111, 20}, 2).requires_grad_(true);
    const Tensor v = numbers({1, 3, 111, 20}, 3).requires_grad_(true);
    const Tensor out = hf::packed_attention(q, k, v, offsets, /*causal=*/true, /*window=*/0, 0.2);
    out.backward(numbers({1, 6, 111, 20}, 4));
    return std::vector<Tensor>{out.detach(), q.grad(), k.grad(), v.grad()};
  });
}

}  // namespace
}  // namespace w2s
