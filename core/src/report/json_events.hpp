// JSON and CBOR read as events, without a tree: for what is read by the hundred thousand.
//
// A reader is told the leaves of the document and where they are; parts of free
// form it may ask to get whole.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace w2s {

class JsonEvents : public nlohmann::json_sax<nlohmann::json> {
 public:
  using json = nlohmann::json;

  bool null() final;
  bool boolean(bool value) final;
  bool number_integer(number_integer_t value) final;
  bool number_unsigned(number_unsigned_t value) final;
  bool number_float(number_float_t value, const string_t& text) final;
  bool string(string_t& value) final;
  bool binary(binary_t& value) final;
  bool start_object(std::size_t size) final;
  bool key(string_t& name) final;
  bool end_object() final;
  bool start_array(std::size_t size) final;
  bool end_array() final;
  /// Ends the reading: the call of sax_parse returns false.
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) final {
    return false;
  }

 protected:
  /// Objects and lists around the present place.
  std::size_t depth() const { return depth_; }
  /// The key in the object of this depth, from 0; "" in a list.
  const std::string& at(std::size_t depth) const { return path_[depth]; }

  virtual void on_text(std::string&) {}
  virtual void on_number(double) {}
  virtual void on_integer(std::int64_t value) { on_number(static_cast<double>(value)); }
  /// Whether the object or list that begins here is to be built and given to on_value.
  virtual bool wants_value() const { return false; }
  virtual void on_value(json&&) {}
  /// An object or list that is not built began, or ended, here.
  virtual void on_start() {}
  virtual void on_end() {}

 private:
  bool start(json empty);
  bool end();
  json* place(json value);
  bool leaf(json value);

  std::vector<std::string> path_;
  std::size_t depth_ = 0;
  json built_;
  std::vector<json*> open_;  // the part being built, outermost first
  std::string built_key_;
};

}  // namespace w2s
