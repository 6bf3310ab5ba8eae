package dev.flywheel.pipeline.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

class PageTest {

    @Test
    void followsTheOrderOfTheCalls() {
        PageSource page = new PageSource(Page.titled("A story")
                .intro("What it is about.")
                .figures(List.of(new Page.Figure("Rows", "-12", "")))
                .section("One")
                .paragraph("First.")
                .section("Two")
                .paragraph("Second.")
                .events(List.of(new Page.Event("Monday", "Went well", "by -0.5", Page.Tone.GOOD)))
                .html());
        assertThat(page.texts("title")).containsExactly("A story");
        assertThat(page.texts("p")).containsExactly("Flywheel", "What it is about.", "First.", "Second.");
        assertThat(page.section("Two")).isEqualTo("TwoSecond.\u2713MondayWent wellby \u22120.5");
        assertThat(page.texts("dd")).containsExactly("\u221212");
        assertThat(page.all("nav")).isEmpty();
    }

    @Test
    void alignsColumnsOfNumbersRight() {
        PageSource page = new PageSource(Page.titled("t")
                .table(new Page.Table(
                        "c",
                        List.of("week", "rows", "share", "note", "gain"),
                        List.of(
                                List.of("1", "12,000", "3.5%", "v1", "+0.1"),
                                List.of("2", "9", "< 0.01%", "2 of 3 said so", "-1e-5"),
                                List.of("3", "\u2013", "0%", "", "0"))))
                .html());
        assertThat(page.all("th").stream().map(th -> th.getAttribute("class")))
                .containsExactly("", "n", "n", "", "n", "", "", "");
        assertThat(page.all("td").stream().map(Element::getTextContent)).contains("\u22121e-5");
    }

    @Test
    void linesLeaveGapsForMissingValues() {
        PageSource page = new PageSource(Page.titled("t")
                .charts(chart(List.of(0.5, 0.6, Double.NaN, 0.7), List.of(2)))
                .html());
        Element line = page.all("path").stream()
                .filter(path -> path.getAttribute("class").equals("line s0"))
                .reduce((first, second) -> second)
                .orElseThrow();
        assertThat(line.getAttribute("d")).matches("M[\\d. ]+L[\\d. ]+M[\\d. ]+");
        assertThat(page.all("circle")).hasSize(3);
        assertThat(page.all("path")).anyMatch(path -> path.getAttribute("class").equals("mark"));
        assertThat(page.texts("figcaption")).containsExactly("Lossaevent");
    }

    @Test
    void chartsOfOnePointOrOfEqualValuesAreDrawn() {
        for (List<Double> values : List.of(List.of(0.5), List.of(3.0, 3.0), List.of(Double.NaN, Double.NaN))) {
            String html = Page.titled("t").charts(chart(values, List.of())).html();
            assertThat(html).doesNotContain("NaN");
        }
    }

    private static Page.LineChart chart(List<Double> values, List<Integer> marks) {
        List<String> x = values.stream().map(String::valueOf).map(text -> "x").toList();
        return new Page.LineChart(
                "Loss", "d", "x", "y", x, List.of(new Page.Series("a", values)), marks, marks.isEmpty() ? "" : "event");
    }

    @Test
    void refusesPartsThatDoNotFit() {
        assertThatThrownBy(() -> new Page.Table("c", List.of("a", "b"), List.of(List.of("1"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("table \"c\" needs 2 cells in each row, found 1");
        List<Page.Series> one = List.of(new Page.Series("a", List.of(1.0)));
        assertThatThrownBy(() -> new Page.LineChart("t", "", "", "", List.of("1", "2"), one, List.of(), ""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("line \"a\" of chart \"t\" needs 2 values, found 1");
        assertThatThrownBy(() -> new Page.LineChart("t", "", "", "", List.of(), List.of(), List.of(), ""))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("chart \"t\" needs 1 to 4 lines, found 0");
        assertThatThrownBy(() -> new Page.LineChart("t", "", "", "", List.of("1"), one, List.of(1), ""))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
