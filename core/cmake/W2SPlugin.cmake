# Plugins: in this project and, through find_package(w2s), in any other.
#
#   w2s_add_plugin(name sources…)     one shared object w2s/plugins/<name>.so, target <name>_plugin
#   w2s_add_plugin_folder(folder)     each *.cpp is a plugin of its own; each sub-folder with *.cpp is one plugin
#
# The entry file that the build writes beside the sources carries the stamp that the loader checks.
# W2S_PLUGIN_OUTPUT_DIRECTORY, set before the call, puts the plugins elsewhere than <build>/lib/w2s/plugins.

function(w2s_add_plugin name)
  if(NOT ARGN)
    message(FATAL_ERROR "w2s_add_plugin(${name}): which sources?")
  endif()
  set(target ${name}_plugin)
  if(TARGET ${target})
    get_target_property(other ${target} SOURCES)
    message(FATAL_ERROR "Two plugins are called ${name}: ${ARGN} and ${other}. Rename one of the files.")
  endif()

  set(sources "")
  set(source_arguments "")
  foreach(source IN LISTS ARGN)
    get_filename_component(source ${source} ABSOLUTE)
    list(APPEND sources ${source})
    list(APPEND source_arguments source=${source})
  endforeach()
  if(W2S_PLUGIN_OUTPUT_DIRECTORY)
    set(output ${W2S_PLUGIN_OUTPUT_DIRECTORY})
  else()
    set(output ${CMAKE_BINARY_DIR}/lib/w2s/plugins)
    set_property(GLOBAL APPEND PROPERTY w2s_plugin_files ${output}/${name}.so)
  endif()

  set(entry ${CMAKE_CURRENT_BINARY_DIR}/w2s_entries/${name}.cpp)
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/w2s_entries)
  add_custom_command(
    OUTPUT ${entry}
    COMMAND w2s::stamp plugin output=${entry} depfile=${entry}.d headers=${W2S_SDK_INCLUDE} ${source_arguments}
            ${W2S_STAMP_ARGUMENTS} plugin=${name} "rebuild=cmake --build '${CMAKE_BINARY_DIR}' --target ${target}"
    DEPENDS ${sources} w2s::stamp
    DEPFILE ${entry}.d
    COMMENT "Stamping plugin ${name}"
    VERBATIM)

  add_library(${target} MODULE ${sources} ${entry})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX .so DEFINE_SYMBOL "" LIBRARY_OUTPUT_DIRECTORY ${output}
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    INSTALL_RPATH "\$ORIGIN/../..")
  target_link_libraries(${target} PRIVATE w2s::core w2s::options)
  # Clang leaves the sanitizers' symbols to the executable.
  if(NOT (W2S_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES Clang))
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  if(W2S_PCH AND TARGET w2s_plugin_pch)
    target_precompile_headers(${target} REUSE_FROM w2s_plugin_pch)
    set_source_files_properties(${entry} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endif()

  if(NOT TARGET w2s_plugins)
    add_custom_target(w2s_plugins COMMENT "All plugins")
  endif()
  add_dependencies(w2s_plugins ${target})
  if(TARGET w2s_core AND NOT W2S_PLUGIN_OUTPUT_DIRECTORY)
    install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/w2s/plugins)
  endif()
endfunction()

function(w2s_add_plugin_folder folder)
  get_filename_component(folder ${folder} ABSOLUTE)
  if(NOT IS_DIRECTORY ${folder})
    message(FATAL_ERROR "w2s_add_plugin_folder: there is no folder ${folder}")
  endif()
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.cpp)
  foreach(file IN LISTS files)
    get_filename_component(name ${file} NAME_WE)
    w2s_add_plugin(${name} ${file})
  endforeach()
  file(GLOB nested CONFIGURE_DEPENDS ${folder}/*/*.cpp)
  set(names "")
  foreach(file IN LISTS nested)
    get_filename_component(parent ${file} DIRECTORY)
    get_filename_component(name ${parent} NAME)
    list(APPEND names ${name})
    list(APPEND sources_of_${name} ${file})
  endforeach()
  list(REMOVE_DUPLICATES names)
  foreach(name IN LISTS names)
    w2s_add_plugin(${name} ${sources_of_${name}})
  endforeach()
endfunction()

# A plugin whose source is gone must not stay behind and be loaded.
function(w2s_remove_stale_plugins)
  get_property(current GLOBAL PROPERTY w2s_plugin_files)
  file(GLOB found ${CMAKE_BINARY_DIR}/lib/w2s/plugins/*.so)
  foreach(file IN LISTS found)
    if(NOT file IN_LIST current)
      file(REMOVE ${file})
    endif()
  endforeach()
endfunction()
cmake_language(EVAL CODE "cmake_language(DEFER DIRECTORY [[${CMAKE_SOURCE_DIR}]] CALL w2s_remove_stale_plugins)")
