// Means: of measures by name, over the runs that have them.
#pragma once

#include <utility>

#include <boost/container/flat_map.hpp>

#include "results/record.hpp"

namespace w2s {

class Means {
 public:
  void add(MeasureName name, double value) {
    auto& [sum, count] = sums_[name];
    sum += value;
    count += 1;
  }
  /// The measures of one seed after another mostly have the same names: each is looked for in its turn.
  void add(const Measures& measures) {
    auto place = sums_.begin();
    for (const auto& [name, value] : measures) {
      if (place == sums_.end() || place->first != name) place = sums_.try_emplace(place, name);
      place->second.first += value;
      place->second.second += 1;
      ++place;
    }
  }
  Measures values() const {
    Measures means;
    means.reserve(sums_.size());
    for (const auto& [name, sum] : sums_) means.emplace_hint(means.end(), name, sum.first / sum.second);
    return means;
  }

 private:
  boost::container::flat_map<MeasureName, std::pair<double, double>> sums_;
};

}  // namespace w2s
