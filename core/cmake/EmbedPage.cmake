# Script mode: writes OUTPUT, a source file with the parts of the HTML report as strings.
#   cmake -DPAGE=<folder> -DD3=<d3.min.js> -DOUTPUT=… -P EmbedPage.cmake
function(embed name file)
  file(READ "${file}" text)
  if(text MATCHES "\\)w2s_page\"" OR (text MATCHES "</[sS][cC][rR][iI][pP][tT]" AND NOT file MATCHES "\\.html$"))
    message(FATAL_ERROR "${file} holds a text that would end its place in the page")
  endif()
  file(APPEND "${OUTPUT}" "const std::string_view ${name} = R\"w2s_page(")
  file(APPEND "${OUTPUT}" "${text}")
  file(APPEND "${OUTPUT}" ")w2s_page\";\n")
endfunction()

file(WRITE "${OUTPUT}" "#include \"report/html_page.hpp\"\n\nnamespace w2s {\n\n")
embed(kReportHtml "${PAGE}/report.html")
embed(kReportCss "${PAGE}/report.css")
embed(kReportJs "${PAGE}/report.js")
embed(kD3 "${D3}")
embed(kD3License "${PAGE}/d3_license.txt")
file(APPEND "${OUTPUT}" "\n}  // namespace w2s\n")
