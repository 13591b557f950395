// w2s_compare WORK SETTINGS.json: does the work on settings["threads"] threads and settings["device"], and
// prints its figures as JSON, the most memory that it held among them.
#include <exception>
#include <fstream>
#include <iostream>

#include "base/allocator.hpp"
#include "compare.hpp"
#include "device.hpp"
#include "engine/threads.hpp"

namespace w2s {

std::map<std::string, Work>& works() {
  static std::map<std::string, Work> known;
  return known;
}

}  // namespace w2s

int main(int count, char** arguments) {
  if (count != 3 || w2s::works().count(arguments[1]) == 0) {
    std::cerr << "usage: w2s_compare WORK SETTINGS.json\nworks:";
    for (const auto& [name, work] : w2s::works()) std::cerr << ' ' << name;
    std::cerr << '\n';
    return 2;
  }
  w2s::keep_freed_memory();  // as w2s-engine does
  try {
    const nlohmann::json settings = nlohmann::json::parse(std::ifstream(arguments[2]));
    w2s::set_threads(settings.at("threads"));
    nlohmann::json figures = w2s::works().at(arguments[1])(settings);
    figures["peak_bytes"] = w2s::peak_bytes(w2s::device_of(settings));
    std::cout << figures.dump() << '\n';
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
