# Fewer, larger translation units: with W2S_UNITY the files of one folder are compiled several at a time, each header
# once for all of them. A fresh build takes about half the processor time, a change of one file more than it would
# alone. What a file keeps to itself (names in anonymous namespaces, using-directives) is then seen by its neighbours.
option(W2S_UNITY "Compile several files of a folder at a time: fastest from scratch; off, each file by itself" OFF)

# Groups the sources of a target, folder by folder, up to so many bytes a group.
function(w2s_unite target)
  if(NOT W2S_UNITY)
    return()
  endif()
  set(limit 40000)
  get_target_property(sources ${target} SOURCES)
  set(folder "")
  foreach(source IN LISTS sources)
    get_filename_component(source ${source} ABSOLUTE)
    string(FIND ${source} ${CMAKE_BINARY_DIR}/ place)
    if(place EQUAL 0)  # written by the build
      continue()
    endif()
    get_filename_component(parent ${source} DIRECTORY)
    file(SIZE ${source} size)
    if(NOT parent STREQUAL folder OR filled GREATER limit)
      set(folder ${parent})
      set(filled 0)
      math(EXPR group "${group} + 1")
    endif()
    math(EXPR filled "${filled} + ${size}")
    set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # it takes a source that is included for a header
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()
