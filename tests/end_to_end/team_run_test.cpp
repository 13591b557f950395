// w2s run over several processes ends in the table of one, however they were started.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string broken(const std::string& name) { return std::string(W2S_BAD_PLUGINS_DIR) + "/" + name + ".so"; }

std::string free_port() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* where = reinterpret_cast<sockaddr*>(&address);
  const bool found = ::bind(probe, where, size) == 0 && ::getsockname(probe, where, &size) == 0;
  ::close(probe);
  if (!found) throw std::runtime_error("no free port");
  return std::to_string(ntohs(address.sin_port));
}

class TeamRun : public testing::Test {
 protected:
  void SetUp() override {
    static const Outcome absent = Workbench().w2s({"run", "none.toml", "--processes", "2"});
    if (absent.err.find("built without c10d") != std::string::npos) GTEST_SKIP() << absent.err;
  }

  std::string key_of_student() const {
    const auto ledger = nlohmann::json::parse(bench.read("runs/experiments/tiny.json"));
    for (const auto& record : ledger.at("records"))
      if (record.at("kind") == "student") return record.at("key");
    return "";
  }

  const Workbench bench;
};

TEST_F(TeamRun, EndsInTheTableOfOneProcess) {
  const Outcome team = bench.w2s({"run", "tiny.toml", "--seeds", "0", "--processes", "2"});
  ASSERT_EQ(team.status, 0) << team.err;
  EXPECT_EQ(fits_computed(team), 4) << team.err;
  const Outcome alone = bench.w2s({"run", "tiny.toml", "--seeds", "0", "--runs", "alone"});
  EXPECT_EQ(alone.out, team.out);
  const Outcome found = bench.w2s({"run", "tiny.toml", "--seeds", "0"});
  EXPECT_EQ(jobs_done_before(found), 4) << "a team's results serve one process";
  EXPECT_EQ(bench.w2s({"store", "verify"}).status, 0);

  const Outcome verified = bench.w2s({"verify", key_of_student()});
  EXPECT_EQ(verified.status, 0) << verified.out << verified.err;
  EXPECT_THAT(verified.out,
              HasSubstr("  note      2 processes made it together, one has made it again: their "
                        "sums run in another order, and probabilities may differ by 0.001"));
  EXPECT_THAT(verified.out, HasSubstr("verified: within 0.001\n"));
  EXPECT_THAT(verified.out, Not(HasSubstr("DIFFERENT")));
}

// Later versions of Gloo tell of every connection, "[./gloo/transport/…", and cannot be silenced.
std::string without_gloo(const std::string& text) {
  return std::regex_replace(text, std::regex("\\[[^\n]*gloo/[^\n]*\n"), "");
}

TEST_F(TeamRun, ProcessesThatTorchrunStartsFindEachOtherByItsVariables) {
  bench.write_experiment("broken.toml", "\n[methods.broken]\nloss = \"throws_mid_training\"\n");
  const std::string port = free_port();
  const auto rank = [&](const std::string& number) {
    Arguments command{"env",          "RANK=" + number,        "LOCAL_RANK=" + number,
                      "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1", "MASTER_PORT=" + port};
    for (const std::string& word :
         bench.w2s_command({"run", "broken.toml", "--seeds", "0", "--plugin", broken("throws_mid_training")}))
      command.push_back(word);
    return command;
  };
  Process leader(bench.folder(), rank("0")), other(bench.folder(), rank("1"));
  const Outcome led = leader.wait(), followed = other.wait();
  EXPECT_EQ(led.status, 1);
  EXPECT_EQ(followed.status, 1);
  EXPECT_EQ(followed.out + without_gloo(followed.err), "") << "one of them tells for all";
  EXPECT_THAT(led.err, HasSubstr("5 jobs: 0 done before, 4 run now, 1 failed; fits: 4 computed"));
  EXPECT_THAT(led.err, ContainsRegex("again: w2s run broken.toml .* --job [0-9a-f]+  # in 2 processes of "
                                     "torchrun, as before"));
  EXPECT_THAT(led.out, HasSubstr("gce"));
}

TEST_F(TeamRun, OptionsThatDealOutJobsAreRefused) {
  const Outcome jobs = bench.w2s({"run", "tiny.toml", "--processes", "2", "--jobs", "2"});
  EXPECT_EQ(jobs.status, 2);
  EXPECT_THAT(jobs.err, HasSubstr("--jobs deals out processes of one job each: it does not go with a team"));
}

}  // namespace
}  // namespace w2s::e2e
