#include "plugins/guard.hpp"

#include <typeinfo>

#include "plugins/torch_message.hpp"

namespace w2s {
namespace {

bool starts_with(const std::string& text, const std::string& prefix) { return text.rfind(prefix, 0) == 0; }

std::string located(const PluginOrigin& origin, const Source* configured, const std::string& message) {
  if (message.find(origin.title()) != std::string::npos) return message;
  const std::string named = origin.text() + ": " + message;
  const bool placed =
      configured == nullptr || configured->text().empty() || starts_with(message, configured->file + ":");
  return placed ? named : configured->text() + ": " + named;
}

}  // namespace

void rethrow_from_plugin(const PluginOrigin& origin, const Source* configured) {
  try {
    throw;
  } catch (const NotAnError&) {
    throw;
  } catch (const UsageError& e) {
    if (typeid(e) != typeid(UsageError)) throw;
    throw UsageError(located(origin, configured, e.what()));
  } catch (const Error& e) {
    if (typeid(e) != typeid(Error)) throw;
    throw Error(located(origin, nullptr, e.what()));
  } catch (const std::exception& e) {
    throw Error(origin.text() + ": " + message_of(e));
  } catch (...) {
    throw Error(origin.text() + ": threw something that is not a std::exception");
  }
}

}  // namespace w2s
