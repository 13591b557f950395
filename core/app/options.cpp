#include "options.hpp"

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include <boost/program_options.hpp>

#include "values/number_text.hpp"

namespace w2s::app {
namespace {

namespace po = boost::program_options;
using Words = std::vector<std::string>;

template <class T>
T number(const std::string& text, bool& whole) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  whole = error == std::errc() && end == text.data() + text.size();
  return value;
}

// A word of the command line as a field takes it; what is no number stays a string, which the field refuses.
Value value_of(const FieldRef& field, const std::string& text) {
  bool whole = false;
  if (std::holds_alternative<std::int64_t*>(field) ||
      std::holds_alternative<std::optional<std::int64_t>*>(field)) {
    const auto value = number<std::int64_t>(text, whole);
    return whole ? Value(value) : Value(text);
  }
  if (std::holds_alternative<double*>(field) || std::holds_alternative<std::optional<double>*>(field)) {
    const auto value = number<double>(text, whole);
    return whole ? Value(value) : Value(text);
  }
  return text;
}

std::string shown(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.kind() == Value::Kind::real) return number_text(value.as_real());
  if (!value.is_list()) return value.toml();
  std::string text;
  for (const Value& item : value.as_list()) text += (text.empty() ? "" : ",") + shown(item);
  return text;
}

bool is_switch(const FieldRef& field) { return std::holds_alternative<bool*>(field); }
bool is_repeated(const FieldRef& field) { return std::holds_alternative<Words*>(field); }

// Values are kept as words: the schema reads them, and has their defaults.
const po::value_semantic* semantic(const FieldRef& field, const std::string& value, const Value* fallback) {
  if (is_switch(field)) return po::bool_switch();
  const std::string text = fallback != nullptr ? shown(*fallback) : "";
  if (is_repeated(field)) {
    auto* words = po::value<Words>()->value_name(value);
    return text.empty() ? words : words->default_value({}, text);
  }
  auto* word = po::value<std::string>()->value_name(value);
  return text.empty() ? word : word->default_value("", text);
}

std::string default_store() {
  const char* from_environment = std::getenv("W2S_RUNS");
  return from_environment ? from_environment : "runs";
}

const char* const kStore = "the store of results; W2S_RUNS sets the default";

}  // namespace

bool Options::parse(const Args& args) {
  po::options_description visible("Options", 96), hidden, all;
  visible.add_options()("help,h", po::bool_switch(), "show this help");
  for (const Group& group : groups_) {
    const Table defaults = group.schema->resolved(group.params);
    for (std::size_t i = 0; i < group.spellings.size(); ++i) {
      const Field& field = *group.schema->fields()[i];
      const auto& [words, value] = group.spellings[i];
      visible.add_options()(words.c_str(),
                            semantic(field.ref(group.params), value, defaults.find(field.name())),
                            field.doc().c_str());
    }
  }
  po::positional_options_description order;
  for (std::size_t i = 0; i < positional_.size(); ++i) {
    hidden.add_options()(positional_[i].c_str(), po::value<Words>());
    order.add(positional_[i].c_str(), i + 1 == positional_.size() ? -1 : 1);
  }
  all.add(visible).add(hidden);

  const std::string name = command_.name, help = "; see w2s " + name + " --help";
  po::variables_map values;
  try {
    po::store(po::command_line_parser(args)
                  .options(all)
                  .positional(order)
                  .style(po::command_line_style::unix_style & ~po::command_line_style::allow_guessing)
                  .run(),
              values);
  } catch (const po::unknown_option& error) {
    std::vector<std::string> names;
    for (const auto& option : visible.options())
      names.push_back(option->canonical_display_name(po::command_line_style::allow_long));
    throw UsageError(name + ": unknown option '" + error.get_option_name() + "'" +
                     did_you_mean(error.get_option_name(), names) + help);
  } catch (const po::too_many_positional_options_error&) {
    throw UsageError(name + " takes " + (positional_.empty() ? "no arguments" : command_.arguments) + help);
  } catch (const po::error& error) {
    throw UsageError(name + ": " + error.what() + help);
  }
  if (values["help"].as<bool>()) {
    std::cout << "usage: w2s " << command_.name << ' ' << command_.arguments
              << (command_.arguments[0] ? " " : "") << "[options]\n\n"
              << command_.summary << "\n\n"
              << visible;
    return false;
  }

  for (const auto& [key, value] : values) {
    if (!value.defaulted()) given_.insert(key);
  }
  for (const std::string& argument : positional_)
    arguments_[argument] = given(argument) ? values[argument].as<Words>() : Words{};
  for (const Group& group : groups_) {
    Table table;
    for (const auto& field : group.schema->fields()) {
      const std::string option = field->name().substr(2);
      if (!given(option)) continue;
      const FieldRef ref = field->ref(group.params);
      if (is_switch(ref)) {
        table.set(field->name(), true);
      } else if (is_repeated(ref)) {
        const Words words = values[option].as<Words>();
        table.set(field->name(), List(words.begin(), words.end()));
      } else {
        table.set(field->name(), value_of(ref, values[option].as<std::string>()));
      }
    }
    group.schema->parse(table, group.params, "");
  }
  return true;
}

const std::vector<std::string>& Options::arguments(const std::string& name) const {
  return arguments_.at(name);
}

const std::string& Options::argument(const std::string& name) const {
  const std::vector<std::string>& given = arguments(name);
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

StoreOption::StoreOption() : runs(default_store()) {}
StoresOption::StoresOption() : runs{default_store()} {}

void describe(OptionSchema<StoreOption>& s) { s.option("runs", &StoreOption::runs, "DIR", kStore); }

void describe(OptionSchema<StoresOption>& s) {
  s.option("runs", &StoresOption::runs, "DIR",
           "the store of results; may be repeated to show several together; W2S_RUNS sets the default");
}

std::vector<std::int64_t> seeds_of(const std::string& text) {
  if (text.empty()) throw UsageError("--seeds is empty: expected whole numbers from 0, separated by commas");
  std::vector<std::int64_t> seeds;
  for (const std::string& item : split_list(text)) {
    bool whole = false;
    seeds.push_back(number<std::int64_t>(item, whole));
    if (!whole || seeds.back() < 0)
      throw UsageError("--seeds takes whole numbers from 0, separated by commas; found '" + item + "'");
  }
  return seeds;
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
