# What the plugin host needs of the build: the stamp tool, the core's own stamp, the precompiled SDK header,
# the recorded compiler flags and the installed package. Included once w2s_base and w2s_core exist.
add_library(w2s::core ALIAS w2s_core)
set_target_properties(w2s_core PROPERTIES EXPORT_NAME core INSTALL_RPATH_USE_LINK_PATH ON)

# Writes the entry files of the core and of the plugins.
add_executable(w2s_stamp tools/w2s_stamp.cpp src/plugins/entry.cpp src/plugins/fields.cpp)
add_executable(w2s::stamp ALIAS w2s_stamp)
set_target_properties(w2s_stamp PROPERTIES OUTPUT_NAME w2s-stamp EXPORT_NAME stamp)
target_include_directories(w2s_stamp PRIVATE src)
target_link_libraries(w2s_stamp PRIVATE w2s_base)

set(host_entry ${CMAKE_CURRENT_BINARY_DIR}/host_entry.cpp)
file(GLOB sdk_headers CONFIGURE_DEPENDS ${W2S_SDK_INCLUDE}/w2s/*.hpp)  # the depfile knows none that is new
add_custom_command(
  OUTPUT ${host_entry}
  COMMAND w2s_stamp host output=${host_entry} depfile=${host_entry}.d headers=${W2S_SDK_INCLUDE} ${W2S_STAMP_ARGUMENTS}
  DEPENDS w2s_stamp ${sdk_headers}
  DEPFILE ${host_entry}.d
  COMMENT "Stamping the core"
  VERBATIM)
target_sources(w2s_core PRIVATE ${host_entry})

# The SDK header, precompiled once for the plugins and for plugins from source.
if(W2S_PCH)
  add_library(w2s_plugin_pch OBJECT cmake/w2s_plugin_pch.cpp)
  set_target_properties(w2s_plugin_pch PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(w2s_plugin_pch PRIVATE include)
  target_link_libraries(w2s_plugin_pch PRIVATE w2s_torch w2s_options)
  target_precompile_headers(w2s_plugin_pch PRIVATE <w2s/plugin.hpp>)
endif()

include(W2SCompileFlags)
include(W2SInstall)
