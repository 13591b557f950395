// MeasureName: the name of a measure, held once in the process however many records have it.
//
// There are dozens of names and millions of their uses: a name is one pointer, copied without allocating.
// Names sort by their text. Safe from several threads; names live until the process ends.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace w2s {

class MeasureName {
 public:
  MeasureName(std::string_view text);
  MeasureName(const std::string& text) : MeasureName(std::string_view(text)) {}
  MeasureName(const char* text) : MeasureName(std::string_view(text)) {}

  const std::string& text() const { return *text_; }
  operator const std::string&() const { return *text_; }

  friend bool operator==(MeasureName a, MeasureName b) { return a.text_ == b.text_; }
  friend std::strong_ordering operator<=>(MeasureName a, MeasureName b) {
    return a.text_ == b.text_ ? std::strong_ordering::equal : *a.text_ <=> *b.text_;
  }

 private:
  const std::string* text_;
};

}  // namespace w2s
