#include "launch/slurm.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <w2s/error.hpp>

#include "base/files.hpp"
#include "base/run_program.hpp"
#include "base/shell.hpp"
#include "status/submission.hpp"

namespace w2s {
namespace {

std::string directives(const LauncherParams& launcher, const SlurmSetup& setup, std::size_t level,
                       std::size_t tasks) {
  std::string lines;
  const auto add = [&](const std::string& option) { lines += "#SBATCH " + option + "\n"; };
  const auto add_given = [&](const char* option, const std::string& value) {
    if (!value.empty()) add(fmt::format("--{}={}", option, value));
  };
  add(fmt::format("--job-name=w2s-{}-{}", setup.name, level));
  const std::string limit = launcher.at_once > 0 ? fmt::format("%{}", launcher.at_once) : "";
  add(fmt::format("--array=0-{}{}", tasks - 1, limit));
  add("--output=" + setup.folder + fmt::format("/level-{}.%a.log", level));
  add("--open-mode=append");
  add("--requeue");
  add(fmt::format("--signal=B:USR1@{}", kSlurmWarning));
  add(fmt::format("--cpus-per-task={}", launcher.cpus));
  add_given("partition", launcher.partition);
  add_given("account", launcher.account);
  add_given("qos", launcher.qos);
  add_given("constraint", launcher.constraint);
  add_given("time", launcher.time);
  add_given("mem", launcher.memory);
  add_given("gpus", launcher.gpus);
  for (const std::string& option : launcher.options) add(option);
  return lines;
}

std::string script_of(const std::vector<std::string>& keys, const LauncherParams& launcher,
                      const SlurmSetup& setup, std::size_t level) {
  std::string text = "#!/bin/bash\n" + directives(launcher, setup, level, keys.size());
  text += "\ncd " + shell_quoted(setup.directory) + " || exit 1\n";
  for (const std::string& line : launcher.setup) text += line + "\n";
  text += "jobs=(\n";
  for (const std::string& key : keys) text += "  " + key + "\n";
  text += ")\n\n";
  std::string command;
  for (const std::string& word : setup.command) command += (command.empty() ? "" : " ") + shell_quoted(word);
  text +=
      command +
      fmt::format(" --jobs 1 --threads {} --log-level warning --job \"${{jobs[$SLURM_ARRAY_TASK_ID]}}\" &\n",
                  launcher.cpus);
  text +=
      "child=$!\n"
      "again=0\n"
      "# The time limit is near: the job saves itself and is queued again.\n"
      "trap 'again=1; kill -TERM \"$child\"' USR1\n"
      "trap 'kill -TERM \"$child\"' TERM INT\n"
      "wait \"$child\"; status=$?\n"
      "while kill -0 \"$child\" 2>/dev/null; do wait \"$child\"; status=$?; done\n"
      "if [ \"$again\" = 1 ] && [ \"$status\" -ne 0 ]; then\n"
      "  scontrol requeue \"${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}\"\n"
      "fi\n"
      "exit \"$status\"\n";
  return text;
}

std::string trimmed(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  return text;
}

}  // namespace

std::vector<SlurmArray> slurm_arrays(const Plan& plan, const LauncherParams& launcher,
                                     const SlurmSetup& setup) {
  std::vector<std::size_t> levels(plan.jobs.size(), 0);
  std::vector<SlurmArray> arrays;
  for (std::size_t i = 0; i < plan.jobs.size(); ++i) {
    const Job& job = plan.jobs[i];
    if (job.done) continue;
    levels[i] = 1;
    for (const std::size_t need : job.needs) levels[i] = std::max(levels[i], levels[need] + 1);
    while (arrays.size() < levels[i]) arrays.push_back({arrays.size() + 1, {}, ""});
    arrays[levels[i] - 1].keys.push_back(job.key);
  }
  for (SlurmArray& array : arrays) array.script = script_of(array.keys, launcher, setup, array.level);
  return arrays;
}

std::vector<std::string> submit(const std::vector<SlurmArray>& arrays, const LauncherParams& launcher,
                                const SlurmSetup& setup) {
  make_directories(setup.folder);
  Submission submission;
  std::vector<std::string> ids;
  const auto give_up = [&](const std::string& reason) {
    for (const std::string& id : ids) run_program({"scancel", id});
    throw Error(reason);
  };
  for (const SlurmArray& array : arrays) {
    const std::string script = setup.folder + fmt::format("/level-{}.sh", array.level);
    write_file_atomically(script, array.script);
    std::vector<std::string> command = {"sbatch", "--parsable"};
    if (!ids.empty())
      command.push_back(std::string("--dependency=") + name_of(launcher.dependency) + ":" + ids.back());
    command.push_back(script);
    ProgramResult result;
    try {
      result = run_program(command);
    } catch (const Error& error) {
      give_up(std::string("--launcher slurm needs sbatch in PATH: ") + error.what());
    }
    if (result.status != 0) give_up("sbatch refused " + script + ": " + trimmed(result.output));
    // "17" or "17;cluster"
    ids.push_back(trimmed(result.output.substr(0, result.output.find(';'))));
    submission.arrays.push_back({ids.back(), array.level, array.keys});
  }
  save_submission(setup.folder, submission);
  return ids;
}

std::string slurm_folder(const std::string& runs, const std::string& experiment) {
  return runs + "/slurm/" + experiment;
}

}  // namespace w2s
