// Schema<Params>: one declaration of a plugin's parameters, used for parsing,
// range checks, `w2s list`, `w2s describe` and the reference documentation.
//
//   struct Params { double q = 0.7; };
//   static void describe(Schema<Params>& s) {
//     s.summary("Generalised cross entropy").source("Zhang & Sabuncu 2018");
//     s.field("q", &Params::q, "exponent: towards 0 cross entropy, at 1 MAE").above(0).at_most(1);
//   }
//
// Defaults are the member initialisers of Params. A field may be bool,
// std::int64_t, double, std::string, a std::vector of these, a matrix
// (std::vector<std::vector<double>>), an enum with names (enum.hpp), a Spec or a
// list of Specs (nested plugins), a Table (free form), or a std::optional of any scalar.
// Range checks reject NaN. Integers are accepted where doubles are asked for.
// Once it is described a schema does not change: any thread may use it. describe()
// itself is called often and from any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <w2s/enum.hpp>
#include <w2s/value.hpp>

namespace w2s {

/// A plugin by name with its parameters: `"gce"` or `{ type = "gce", q = 0.5 }`.
struct Spec {
  std::string type;
  Table params;
  Source source;
  /// Parses either spelling; throws UsageError with the source. `what` names it in messages ("loss").
  W2S_API static Spec parse(const Value& value, std::string_view what);
  /// `{ type = …, params… }`
  W2S_API Value value() const;
  bool empty() const { return type.empty(); }
  friend bool operator==(const Spec& a, const Spec& b) { return a.value() == b.value(); }
};

using Matrix = std::vector<std::vector<double>>;

/// A type of few values that is written as one word: `text()` writes it; `read` takes it from a word, and
/// says what was expected (": expected …") where it is none. Enums with names need neither.
template <class T>
concept Word = requires(T value, const T constant, const std::string& text) {
  { constant.text() } -> std::same_as<std::string>;
  { T::read(text, value) } -> std::same_as<std::string>;
};

/// A pointer to one member that is written as one word, and what reads and writes it.
struct WordRef {
  void* member;
  std::string (*text)(const void* member);
  std::string (*read)(const std::string& text, void* member);
};

/// A pointer to one member of one Params object.
using FieldRef = std::variant<bool*, std::int64_t*, double*, std::string*, std::optional<std::int64_t>*,
                              std::optional<double>*, std::optional<std::string>*, std::optional<bool>*,
                              std::vector<std::int64_t>*, std::vector<double>*, std::vector<std::string>*,
                              Matrix*, Spec*, std::vector<Spec>*, Table*, WordRef>;

namespace detail {

/// " is not one of 'a' or 'b' (did you mean 'a'?)"
W2S_API std::string not_one_of(const std::string& text, const std::vector<std::string>& names);

template <class T>
FieldRef field_ref(T* member) {
  return member;
}

template <Word T>
FieldRef field_ref(T* member) {
  return WordRef{member, [](const void* from) { return static_cast<const T*>(from)->text(); },
                 [](const std::string& text, void* to) { return T::read(text, *static_cast<T*>(to)); }};
}

template <NamedEnum E>
FieldRef field_ref(E* member) {
  return WordRef{member, [](const void* from) { return std::string(name_of(*static_cast<const E*>(from))); },
                 [](const std::string& text, void* to) {
                   const std::optional<E> value = value_named<E>(text);
                   if (!value) return not_one_of(text, names_of<E>());
                   *static_cast<E*>(to) = *value;
                   return std::string();
                 }};
}

}  // namespace detail

/// One declared field. The setters return the field, so that they chain.
class W2S_API Field {
 public:
  /// `type` is a null pointer of the field's type, or a WordRef to none.
  Field(std::string name, std::string doc, FieldRef type, std::function<FieldRef(void*)> ref)
      : name_(std::move(name)), doc_(std::move(doc)), type_(type), ref_(std::move(ref)) {}

  // Bounds apply to numbers and to each element of a list of numbers. An infinity
  // is in range only where a bound names it: at_most(infinity).
  Field& above(double bound) {
    low_ = bound, low_open_ = true;
    return *this;
  }
  Field& at_least(double bound) {
    low_ = bound, low_open_ = false;
    return *this;
  }
  Field& below(double bound) {
    high_ = bound, high_open_ = true;
    return *this;
  }
  Field& at_most(double bound) {
    high_ = bound, high_open_ = false;
    return *this;
  }
  Field& in(double low, double high) { return at_least(low).at_most(high); }
  /// Allowed strings, where they are not the names of an enum.
  Field& one_of(std::vector<std::string> names) {
    names_ = std::move(names);
    return *this;
  }
  /// There is no sensible default: leaving it out is an error.
  Field& required() {
    required_ = true;
    return *this;
  }
  /// "path to a file or folder": resolved against the folder of the file that names it.
  Field& path() {
    path_ = true;
    return *this;
  }
  /// For Spec fields: the plugin kind that the name must belong to ("loss", "model", …).
  Field& plugin(std::string kind) {
    plugin_ = std::move(kind);
    return *this;
  }

  const std::string& name() const { return name_; }
  const std::string& doc() const { return doc_; }
  const std::string& plugin_kind() const { return plugin_; }
  bool is_required() const { return required_; }
  FieldRef ref(void* params) const { return ref_(params); }
  /// "real in (0, 1]", "one of 'a' or 'b'", …
  std::string type_text() const;

 private:
  friend class SchemaBase;
  class Reader;
  void assign(void* params, const Value& value, std::string_view owner) const;
  /// Null for what is left out: an empty optional, an empty Spec.
  Value read(void* params) const;
  /// "in (0, 1]", "≥ 1" or "".
  std::string range_text() const;

  std::string name_, doc_, plugin_;
  FieldRef type_;
  std::function<FieldRef(void*)> ref_;
  double low_ = -std::numeric_limits<double>::infinity(), high_ = std::numeric_limits<double>::infinity();
  bool low_open_ = true, high_open_ = true, required_ = false, path_ = false;
  std::vector<std::string> names_;
};

/// What does not depend on the type of Params; implemented in the core.
class W2S_API SchemaBase {
 public:
  SchemaBase() = default;
  SchemaBase(SchemaBase&&) = default;
  SchemaBase& operator=(SchemaBase&&) = default;
  virtual ~SchemaBase();

  /// One or two sentences: what it does.
  SchemaBase& summary(std::string text) {
    summary_ = std::move(text);
    return *this;
  }
  /// Where the formula comes from.
  SchemaBase& source(std::string text) {
    source_ = std::move(text);
    return *this;
  }
  /// The formula, as in docs/methods.
  SchemaBase& formula(std::string text) {
    formula_ = std::move(text);
    return *this;
  }
  /// For losses: values of one example depend on the rest of the batch.
  SchemaBase& uses_batch_statistics() {
    batch_statistics_ = true;
    return *this;
  }

  const std::string& summary() const { return summary_; }
  const std::string& source() const { return source_; }
  const std::string& formula() const { return formula_; }
  bool batch_statistics() const { return batch_statistics_; }
  const std::vector<std::unique_ptr<Field>>& fields() const { return fields_; }

  /// Fills `params` from `table`. Unknown keys, wrong types and values out of range throw
  /// UsageError with the source; `what` names the owner in messages ("loss 'gce'").
  void parse(const Table& table, void* params, std::string_view what) const;
  /// The defaults of all fields; required ones hold what Params starts with.
  virtual Table defaults() const = 0;
  /// The table with every default filled in: the inverse of parse.
  Table resolved(void* params) const;

 protected:
  Field& add(std::string name, std::string doc, FieldRef type, std::function<FieldRef(void*)> ref);

 private:
  std::string summary_, source_, formula_;
  bool batch_statistics_ = false;
  std::vector<std::unique_ptr<Field>> fields_;
};

template <class Params>
class Schema final : public SchemaBase {
 public:
  template <class T>
  Field& field(std::string name, T Params::*member, std::string doc) {
    Field& added =
        add(std::move(name), std::move(doc), detail::field_ref(static_cast<T*>(nullptr)),
            [member](void* params) { return detail::field_ref(&(static_cast<Params*>(params)->*member)); });
    if constexpr (NamedEnum<T>) added.one_of(names_of<T>());
    return added;
  }
  Params parse(const Table& table, std::string_view what) const {
    Params params{};
    SchemaBase::parse(table, &params, what);
    return params;
  }
  Table resolved(Params params) const { return SchemaBase::resolved(&params); }
  Table defaults() const override { return resolved(Params{}); }
  using SchemaBase::resolved;
};

/// Params of a plugin that has none.
struct NoParams {};

}  // namespace w2s
