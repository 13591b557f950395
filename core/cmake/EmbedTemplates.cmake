# Script mode: writes OUTPUT, a source file with the plugin templates of FOLDER as strings.
#   cmake -DFOLDER=<plugins/template> -DOUTPUT=… -P EmbedTemplates.cmake
file(WRITE "${OUTPUT}" "#include \"plugin_templates.hpp\"\n\nnamespace w2s::app {\n\n"
                       "const std::array<PluginTemplate, 5> kPluginTemplates = {{\n")
foreach(kind loss strategy task model objective)
  file(READ "${FOLDER}/my_${kind}.cpp" text)
  file(APPEND "${OUTPUT}" "    {\"${kind}\", R\"w2s_template(")
  file(APPEND "${OUTPUT}" "${text}")
  file(APPEND "${OUTPUT}" ")w2s_template\"},\n")
endforeach()
file(APPEND "${OUTPUT}" "}};\n\n}  // namespace w2s::app\n")
