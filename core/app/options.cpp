#include "options.hpp"

#include <cstdlib>
#include <functional>
#include <iostream>
#include <sstream>

namespace w2s::app {

Options::Options(const Command& command, std::vector<std::string> positional)
    : command_(command), positional_(std::move(positional)), visible_("Options", 96) {
  add()("help,h", po::bool_switch(), "show this help");
  for (const std::string& name : positional_)
    hidden_.add_options()(name.c_str(), po::value<std::vector<std::string>>());
}

namespace {

std::string default_runs() {
  const char* from_environment = std::getenv("W2S_RUNS");
  return from_environment ? from_environment : "runs";
}

}  // namespace

void Options::add_runs() {
  add()("runs", po::value<std::string>()->value_name("DIR")->default_value(default_runs()),
        "the store of results; W2S_RUNS sets the default");
}

void Options::add_many_runs() {
  add()("runs",
        po::value<std::vector<std::string>>()->value_name("DIR")->default_value({default_runs()},
                                                                                default_runs()),
        "the store of results; may be repeated to show several together; W2S_RUNS sets the default");
}

void Options::add_overrides() {
  add()("set", po::value<std::vector<std::string>>()->value_name("KEY=VALUE"),
        "change a value of the experiment: dotted key, TOML value; may be repeated")(
      "sweep", po::value<std::vector<std::string>>()->value_name("KEY=V1,V2"),
      "run the experiment for each value; several make a grid; may be repeated")(
      "seeds", po::value<std::string>()->value_name("0,1,2"), "these seeds instead of the file's");
}

bool Options::parse(const Args& args) {
  po::options_description all;
  all.add(visible_).add(hidden_);
  po::positional_options_description order;
  for (std::size_t i = 0; i < positional_.size(); ++i) {
    order.add(positional_[i].c_str(), i + 1 == positional_.size() ? -1 : 1);
  }
  const std::string name = command_.name, help = "; see w2s " + name + " --help";
  try {
    po::store(po::command_line_parser(args)
                  .options(all)
                  .positional(order)
                  .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                  .run(),
              values_);
    po::notify(values_);
  } catch (const po::unknown_option& error) {
    std::vector<std::string> names;
    for (const auto& option : visible_.options())
      names.push_back(option->canonical_display_name(po::command_line_style::allow_long));
    throw UsageError(name + ": unknown option '" + error.get_option_name() + "'" +
                     did_you_mean(error.get_option_name(), names) + help);
  } catch (const po::too_many_positional_options_error&) {
    throw UsageError(name + " takes " + (positional_.empty() ? "no arguments" : command_.arguments) + help);
  } catch (const po::invalid_option_value& error) {
    throw UsageError(name + ": " + error.what() + ": expected a whole number" + help);
  } catch (const po::error& error) {
    throw UsageError(name + ": " + error.what() + help);
  }
  if (flag("help")) {
    std::cout << "usage: w2s " << command_.name << ' ' << command_.arguments
              << (command_.arguments[0] ? " " : "") << "[options]\n\n"
              << command_.summary << "\n\n"
              << visible_;
    return false;
  }
  return true;
}

std::vector<std::string> Options::list(const std::string& name) const {
  return values_.count(name) != 0 ? values_[name].as<std::vector<std::string>>() : std::vector<std::string>{};
}

std::string Options::required(const std::string& name) const {
  const std::vector<std::string> given = list(name);
  if (given.empty()) {
    throw UsageError(std::string(command_.name) + " needs " + command_.arguments + "; see w2s " +
                     command_.name + " --help");
  }
  if (given.size() > 1) {
    throw UsageError(std::string(command_.name) + " takes one " + command_.arguments + ", found also '" +
                     given[1] + "'");
  }
  return given[0];
}

Overrides Options::overrides() const {
  Overrides overrides;
  overrides.set = list("set");
  overrides.sweep = list("sweep");
  if (given("seeds")) {
    if (text("seeds").empty())
      throw UsageError("--seeds is empty: expected whole numbers from 0, separated by commas");
    std::istringstream in(text("seeds"));
    for (std::string item; std::getline(in, item, ',');) {
      try {
        std::size_t used = 0;
        const long long seed = std::stoll(item, &used);
        if (used != item.size() || seed < 0) throw std::invalid_argument(item);
        overrides.seeds.push_back(seed);
      } catch (const std::exception&) {
        throw UsageError("--seeds takes whole numbers from 0, separated by commas; found '" + item + "'");
      }
    }
  }
  return overrides;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> items;
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, ',');) {
    const std::size_t begin = item.find_first_not_of(' '), end = item.find_last_not_of(' ');
    items.push_back(begin == std::string::npos ? "" : item.substr(begin, end - begin + 1));
  }
  return items;
}

int guarded_main(const std::function<int()>& body) {
  try {
    return body();
  } catch (const UsageError& error) {
    std::cerr << "w2s: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "w2s: " << error.what() << '\n';
    return 1;
  }
}

}  // namespace w2s::app
