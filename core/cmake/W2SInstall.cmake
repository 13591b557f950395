# Installs the core, its headers and what find_package(w2s) needs to build plugins elsewhere.
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/w2s)
install(TARGETS w2s_core EXPORT w2sTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS w2s_stamp EXPORT w2sTargets RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/w2s)
set_target_properties(w2s w2s-engine PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON
                      INSTALL_RPATH "\$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
install(TARGETS w2s w2s-engine RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${W2S_SDK_INCLUDE}/w2s DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/installed/compile_flags.CXX.txt DESTINATION ${CMAKE_INSTALL_LIBDIR}/w2s)
# The SDK header, precompiled: a plugin from source compiles in a third of the time with it. GCC knows its parts by
# their contents, wherever they lie.
if(W2S_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/installed/plugin.hpp "#include <w2s/plugin.hpp>\n")
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/installed/plugin.hpp DESTINATION ${CMAKE_INSTALL_LIBDIR}/w2s)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/w2s_plugin_pch.dir/cmake_pch.hxx.gch
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/w2s RENAME plugin.hpp.gch)
endif()
install(EXPORT w2sTargets NAMESPACE w2s:: DESTINATION ${package})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/w2sConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/w2sConfig.cmake
                              INSTALL_DESTINATION ${package} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/w2sConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/w2sConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/w2sConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/W2SPlugin.cmake ${CMAKE_CURRENT_LIST_DIR}/W2SStamp.cmake
        DESTINATION ${package})
