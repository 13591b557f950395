// Registration: how a plugin's file announces what it holds.
//
//   W2S_LOSS(GeneralisedCrossEntropy, "gce")
//
// at the end of the file is all. It does no work and cannot throw: it links a
// constant record into a list that is private to the shared object; the loader
// reads the list after it has checked the stamp.
//
// What a plugin's author may count on: one thread at a time calls an object, but
// objects of one class may be at work in several threads, so that a class needs no
// locks as long as it has no statics that change. spec_of may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include <w2s/enum.hpp>
#include <w2s/schema.hpp>

namespace w2s {

enum class PluginKind : int { task, model, objective, loss, strategy };
constexpr auto enum_names(PluginKind) { return std::array{"task", "model", "objective", "loss", "strategy"}; }

/// One registered class. Plain data, constant-initialised.
struct PluginEntry {
  PluginKind kind;
  const char* name;
  const char* file;
  int line;
  std::size_t interface_size;   // sizeof and alignof of the interface as the plugin saw them:
  std::size_t interface_align;  // checked against the core's own after loading
  std::unique_ptr<SchemaBase> (*schema)();
  /// Parses `params` and makes the object; the caller casts by kind and owns it.
  void* (*create)(const Table& params, const char* what);
  /// Parses `params`: the table with every default filled in.
  Table (*resolve)(const Table& params, const char* what);
  PluginEntry* next;
};

namespace detail {

// Head of this shared object's own list. Hidden: two plugins must not see each other's entries.
// Defined in the entry file that w2s_add_plugin() compiles in.
extern __attribute__((visibility("hidden"))) PluginEntry* plugin_entries;

template <class P, class S>
concept describes = requires(S& s) {
  P::describe(s);
};

template <class P>
struct params_of {
  using type = NoParams;
};
template <class P>
requires requires { typename P::Params; }
struct params_of<P> {
  using type = typename P::Params;
};

template <class P>
std::unique_ptr<SchemaBase> make_schema() {
  auto schema = std::make_unique<Schema<typename params_of<P>::type>>();
  P::describe(*schema);
  return schema;
}

template <class P, class Interface>
void* make_plugin(const Table& params, const char* what) {
  using Params = typename params_of<P>::type;
  Schema<Params> schema;
  P::describe(schema);
  const Params parsed = schema.parse(params, what);
  if constexpr (std::is_constructible_v<P, const Params&>) {
    return static_cast<Interface*>(new P(parsed));
  } else {
    return static_cast<Interface*>(new P());
  }
}

template <class P>
Table resolve_params(const Table& params, const char* what) {
  Schema<typename params_of<P>::type> schema;
  P::describe(schema);
  return schema.resolved(schema.parse(params, what));
}

struct Link {
  explicit Link(PluginEntry& entry) noexcept {
    entry.next = plugin_entries;
    plugin_entries = &entry;
  }
};

}  // namespace detail

/// A plugin's name, as it is registered in this library, with all its parameters: what results that depend on
/// them are kept under. Throws Error for a class that is not registered.
template <class P>
Spec spec_of(const typename detail::params_of<P>::type& params) {
  const PluginEntry* entry = detail::plugin_entries;
  while (entry != nullptr && entry->schema != &detail::make_schema<P>) entry = entry->next;
  if (entry == nullptr)
    throw Error("spec_of is for classes that are registered, with W2S_STRATEGY for instance");
  Schema<typename detail::params_of<P>::type> schema;
  P::describe(schema);
  return {entry->name, schema.resolved(params), {}};
}

}  // namespace w2s

#define W2S_DETAIL_JOIN2(a, b) a##b
#define W2S_DETAIL_JOIN(a, b) W2S_DETAIL_JOIN2(a, b)
#define W2S_DETAIL_REGISTER(kind_, Interface_, Class_, name_)                \
  static constinit ::w2s::PluginEntry W2S_DETAIL_JOIN(w2s_entry_, __LINE__){ \
      ::w2s::PluginKind::kind_,                                              \
      name_,                                                                 \
      __FILE__,                                                              \
      __LINE__,                                                              \
      sizeof(Interface_),                                                    \
      alignof(Interface_),                                                   \
      &::w2s::detail::make_schema<Class_>,                                   \
      &::w2s::detail::make_plugin<Class_, Interface_>,                       \
      &::w2s::detail::resolve_params<Class_>,                                \
      nullptr};                                                              \
  static const ::w2s::detail::Link W2S_DETAIL_JOIN(w2s_link_, __LINE__) {    \
    W2S_DETAIL_JOIN(w2s_entry_, __LINE__)                                    \
  }

#define W2S_TASK(Class_, name_) W2S_DETAIL_REGISTER(task, ::w2s::ITask, Class_, name_)
#define W2S_MODEL(Class_, name_) W2S_DETAIL_REGISTER(model, ::w2s::IModel, Class_, name_)
#define W2S_OBJECTIVE(Class_, name_) W2S_DETAIL_REGISTER(objective, ::w2s::IObjective, Class_, name_)
#define W2S_LOSS(Class_, name_) W2S_DETAIL_REGISTER(loss, ::w2s::ILoss, Class_, name_)
#define W2S_STRATEGY(Class_, name_) W2S_DETAIL_REGISTER(strategy, ::w2s::ISupervisionStrategy, Class_, name_)
