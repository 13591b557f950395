// The HTML report in a real browser, headless Chromium, where one is installed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/workbench.hpp"

namespace w2s::e2e {
namespace {

/// Notes what goes wrong from the first line of the page on.
const char* const kListen = R"(<script>
window.problems = [];
addEventListener('error', event => window.problems.push(event.message));
addEventListener('securitypolicyviolation', event => window.problems.push(event.violatedDirective));
</script>)";

/// Uses the page as a keyboard does and leaves what it found in the page's last element.
const char* const kUse = R"(<script>
addEventListener('load', () => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const found = {};
  const press = (target, key) => target.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
  dispatchEvent(new Event('beforeprint'));
  found.emptySections = all('#overview > section').filter(node => node.children.length < 3).map(node => node.id);
  found.emptyFigures = all('#overview figure').filter(node => !node.querySelector('svg > *')).length;
  const names = node => (node.getAttribute('aria-label') || node.textContent || (node.closest('label') || {}).textContent || '').trim();
  found.unnamed = all('a[href], button, input, select, summary, [tabindex="0"]').filter(node => !names(node) && !node.closest('label')).length;

  const table = document.querySelector('#leaderboard table');
  const methods = () => all('tbody tr', table).map(row => row.cells[0].textContent);
  const head = all('th button', table)[0];
  head.focus();
  found.focus = document.activeElement === head;
  head.click();
  found.sorted = [head.closest('th').getAttribute('aria-sort'), methods()];
  head.click();
  found.turned = [head.closest('th').getAttribute('aria-sort'), methods()];
  const filter = document.querySelector('#leaderboard input');
  filter.value = 'gce';
  filter.dispatchEvent(new Event('input'));
  found.filtered = methods();

  const student = all('#runs tbody tr').find(row => row.textContent.includes('gce'));
  location.hash = student.querySelector('a').getAttribute('href');
  dispatchEvent(new Event('hashchange'));
  found.runShown = !document.getElementById('run').hidden && document.getElementById('overview').hidden;
  found.runFocus = document.activeElement.textContent;
  found.runSections = all('#run > section').map(node => node.id);
  press(document.body, 'Escape');
  dispatchEvent(new Event('hashchange'));
  found.back = [location.hash, document.getElementById('run').hidden];
  found.problems = window.problems;
  const result = document.createElement('pre');
  result.id = 'found';
  result.textContent = JSON.stringify(found);
  document.body.append(result);
});
</script>)";

TEST(ReportInABrowser, IsDrawnWithoutErrorsAndUsedByKeyboard) {
  const Workbench bench;
  if (bench.command({"sh", "-c", "command -v chromium"}).status != 0) GTEST_SKIP() << "no Chromium here";
  ASSERT_EQ(bench.w2s({"run", "tiny.toml", "--quiet"}).status, 0);
  ASSERT_EQ(bench.w2s({"report", "--out", "page.html"}).status, 0);
  std::string page = bench.read("page.html");
  page.insert(page.find("<a class=\"skip\""), kListen);
  page.insert(page.rfind("</body>"), kUse);
  bench.write("used.html", page);
  const Outcome browser =
      bench.command({"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                     "--user-data-dir=" + bench.path("profile"), "--window-size=1200,900", "--dump-dom",
                     "file://" + bench.path("used.html")});
  const std::string start = "<pre id=\"found\">";
  const std::size_t begin = browser.out.rfind(start);
  ASSERT_NE(begin, std::string::npos) << browser.err;
  const std::size_t text = begin + start.size();
  const nlohmann::json found =
      nlohmann::json::parse(browser.out.substr(text, browser.out.find("</pre>", text) - text));
  const nlohmann::json expected = {
      {"emptySections", nlohmann::json::array()},
      {"emptyFigures", 0},
      {"unnamed", 0},
      {"focus", true},
      {"sorted", {"ascending", {"gce", "naive"}}},
      {"turned", {"descending", {"naive", "gce"}}},
      {"filtered", {"gce"}},
      {"runShown", true},
      {"runFocus", "gce: weak → strong, seed 0"},
      {"runSections", {"run-about", "run-measures", "run-examples", "run-fits", "run-origin"}},
      {"back", {"#runs", true}},
      {"problems", nlohmann::json::array()}};
  EXPECT_EQ(found, expected) << nlohmann::json::diff(expected, found).dump(1);
}

}  // namespace
}  // namespace w2s::e2e
