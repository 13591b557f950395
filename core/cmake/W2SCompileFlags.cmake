# Records beside the core how a plugin is compiled, for plugins from source (src/plugins/compile.hpp):
# lib/w2s/compile_flags.CXX.txt, once for the build tree and once to be installed.
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
separate_arguments(flags UNIX_COMMAND "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}")
list(APPEND flags ${CMAKE_CXX20_STANDARD_COMPILE_OPTION} -fPIC -fvisibility=hidden -fvisibility-inlines-hidden)
list(JOIN flags "\nflag=" flags)

set(recipe "compiler=${CMAKE_CXX_COMPILER}\nflag=${flags}\n")
foreach(target w2s_options w2s_torch)
  string(APPEND recipe "flag=$<JOIN:$<TARGET_PROPERTY:${target},INTERFACE_COMPILE_OPTIONS>,\nflag=>\n"
                       "define=$<JOIN:$<TARGET_PROPERTY:${target},INTERFACE_COMPILE_DEFINITIONS>,\ndefine=>\n"
                       "include=$<JOIN:$<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>,\ninclude=>\n")
endforeach()
foreach(flag -L$<TARGET_FILE_DIR:torch> -Wl,--as-needed -ltorch_cpu -ltorch -lc10)
  string(APPEND recipe "link=${flag}\n")
endforeach()
if(NOT (W2S_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES Clang))
  string(APPEND recipe "link=-Wl,-z,defs\n")
endif()

set(build_recipe "${recipe}sdk=${W2S_SDK_INCLUDE}\n")
if(W2S_PCH)
  string(APPEND build_recipe "pch=${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/w2s_plugin_pch.dir/cmake_pch.hxx\n")
endif()
file(RELATIVE_PATH installed_sdk ${CMAKE_INSTALL_FULL_LIBDIR} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/lib/w2s/compile_flags.$<COMPILE_LANGUAGE>.txt CONTENT "${build_recipe}")
set(installed_recipe "${recipe}sdk=${installed_sdk}\n")
if(W2S_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  string(APPEND installed_recipe "pch=w2s/plugin.hpp\n")
endif()
file(GENERATE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/installed/compile_flags.$<COMPILE_LANGUAGE>.txt
     CONTENT "${installed_recipe}")
