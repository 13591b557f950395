#include "report/json_events.hpp"

namespace w2s {

JsonEvents::json* JsonEvents::place(json value) {
  json& parent = *open_.back();
  json& slot = parent.is_array() ? parent.emplace_back() : parent[built_key_];
  slot = std::move(value);
  return &slot;
}

bool JsonEvents::leaf(json value) {
  if (!open_.empty()) place(std::move(value));
  return true;
}

bool JsonEvents::start(json empty) {
  if (!open_.empty()) {
    open_.push_back(place(std::move(empty)));
  } else if (wants_value()) {
    built_ = std::move(empty);
    open_.push_back(&built_);
  } else {
    if (path_.size() == depth_) path_.emplace_back();
    path_[depth_++].clear();
    on_start();
  }
  return true;
}

bool JsonEvents::end() {
  if (open_.empty()) {
    --depth_;
    on_end();
    return true;
  }
  open_.pop_back();
  if (open_.empty()) on_value(std::move(built_));
  return true;
}

bool JsonEvents::key(string_t& name) {
  (open_.empty() ? path_[depth_ - 1] : built_key_) = name;
  return true;
}

bool JsonEvents::string(string_t& value) {
  if (!open_.empty()) return leaf(value);
  on_text(value);
  return true;
}

bool JsonEvents::number_float(number_float_t value, const string_t&) {
  if (!open_.empty()) return leaf(value);
  on_number(value);
  return true;
}

bool JsonEvents::number_integer(number_integer_t value) {
  if (!open_.empty()) return leaf(value);
  on_integer(value);
  return true;
}

bool JsonEvents::number_unsigned(number_unsigned_t value) {
  if (!open_.empty()) return leaf(value);
  on_integer(static_cast<std::int64_t>(value));
  return true;
}

bool JsonEvents::null() { return leaf(nullptr); }
bool JsonEvents::boolean(bool value) { return leaf(value); }
bool JsonEvents::binary(binary_t&) { return leaf(nullptr); }
bool JsonEvents::start_object(std::size_t) { return start(json::object()); }
bool JsonEvents::end_object() { return end(); }
bool JsonEvents::start_array(std::size_t) { return start(json::array()); }
bool JsonEvents::end_array() { return end(); }

}  // namespace w2s
