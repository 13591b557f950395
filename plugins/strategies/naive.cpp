// Naive fine-tuning several times over: the control of every method whose answer is the mean of several
// students.
#include <w2s/strategy.hpp>

namespace w2s {
namespace {

class Naive final : public ISupervisionStrategy {
 public:
  struct Params {
    std::int64_t models = 2;
  };
  static void describe(Schema<Params>& s) {
    s.summary(
         "Fits several students to the same labels, each with an order of examples and random weights of its "
         "own, and takes their mean: what methods of two students have to beat.")
        .source("control");
    s.field("models", &Params::models, "students").at_least(1);
  }
  explicit Naive(const Params& params) : params_(params) {}

  std::int64_t members() const override { return params_.models; }

  Student supervise(const Supervision& labels, const FitSpec& spec, Lab& lab, const Next& next) override {
    Stream stream = lab.stream("naive");
    std::vector<std::string> members = next(labels, spec).members();
    for (std::int64_t m = 1; m < params_.models; ++m) {
      FitSpec other = spec;
      other.seed = stream.bits() >> 1;
      const Student student = next(labels, other);
      members.insert(members.end(), student.members().begin(), student.members().end());
    }
    return Student(members);
  }

 private:
  const Params params_;
};

W2S_STRATEGY(Naive, "naive");

}  // namespace
}  // namespace w2s
