#include "config/launcher.hpp"

namespace w2s {

void describe_launcher(Schema<LauncherParams>& s) {
  s.summary(
      "What each job asks of Slurm, with w2s run --launcher slurm. Changes no result. Left out, Slurm's own "
      "defaults hold.");
  s.field("partition", &LauncherParams::partition, "queue, or several with commas between");
  s.field("account", &LauncherParams::account, "whom to charge");
  s.field("qos", &LauncherParams::qos, "quality of service");
  s.field("constraint", &LauncherParams::constraint, "features that a node must have");
  s.field(
      "time", &LauncherParams::time,
      "limit of one job, \"4:00:00\" or \"2-12\"; training saves itself a minute before and goes on in the "
      "next turn");
  s.field("memory", &LauncherParams::memory, "memory of one job, \"16G\"");
  s.field("cpus", &LauncherParams::cpus, "cores of one job, and its LibTorch threads").at_least(1);
  s.field("gpus", &LauncherParams::gpus, "\"1\" or \"a100:1\": GPUs of one job; run with --device cuda");
  s.field("at_once", &LauncherParams::at_once,
          "jobs of an array that run at once; 0: as many as Slurm starts")
      .at_least(0);
  s.field(
      "dependency", &LauncherParams::dependency,
      "when the next level starts: afterok, all jobs succeeded; afterany, all ended: those that lack what a "
      "failed one was to give fail too, the others run");
  s.field("options", &LauncherParams::options, "further #SBATCH lines, such as \"--exclusive\"");
  s.field("setup", &LauncherParams::setup, "shell lines before the job, such as \"module load cuda\"");
}

}  // namespace w2s
