package dev.flywheel.pipeline.feature;

import static org.assertj.core.api.Assertions.assertThat;

import dev.flywheel.core.data.Column;
import dev.flywheel.core.data.ColumnType;
import dev.flywheel.core.data.Dataset;
import dev.flywheel.core.data.Schema;
import dev.flywheel.pipeline.onnx.OnnxGraph;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CategoryFeaturesTest {

    @TempDir
    Path folder;

    private Dataset texts(@Nullable Object... values) {
        return TestData.column(folder, TestData.text("c"), Arrays.asList(values));
    }

    @Test
    void givesFrequentValuesSmallIdsAndUnknownAndMissingTheirOwn() {
        FittedFeatures fitted = Features.rows().category("c").fit(texts("b", "a", "c", "c", "a", "a", null, "é"));
        assertThat(fitted.idColumns()).containsExactly(new IdColumn("c", 0, 6));
        int[] ids = TestData.ids(fitted.matrix(texts("a", "c", "b", "é", "z", null, "A", "")))[0];
        assertThat(ids).containsExactly(2, 3, 4, 5, 1, 0, 1, 0);
    }

    @Test
    void knowsCharactersBeyondTheBasicPlane() {
        Dataset data = texts("😀", "😀", "😀", "😁", "😁", "a");
        FittedFeatures fitted = Features.rows().category("c").fit(data);
        assertThat(TestData.ids(fitted.matrix(texts("😀", "😁", "a", "😂", "\u0000", "")))[0])
                .containsExactly(2, 3, 4, 1, 1, 0);
        FittedFeatures oneHot = Features.rows().category("c", Encoding.oneHot()).fit(data);
        assertThat(TestData.numbers(oneHot.matrix(texts("😁")))[3]).containsExactly(1);
    }

    @Test
    void leavesRareValuesOutOfTheVocabulary() {
        Dataset data = texts("a", "a", "a", "b", "b", "c");
        assertThat(
                        TestData.ids(Features.rows()
                                .category("c", Encoding.vocabulary().minCount(2))
                                .fit(data)
                                .matrix(data))[0])
                .containsExactly(2, 2, 2, 3, 3, 1);
        FittedFeatures one =
                Features.rows().category("c", Encoding.vocabulary().atMost(1)).fit(data);
        assertThat(TestData.ids(one.matrix(data))[0]).containsExactly(2, 2, 2, 1, 1, 1);
        assertThat(one.notes())
                .containsExactly("the vocabulary of column \"c\" is full with 1 values; rarer ones share an id");
    }

    @Test
    void survivesAColumnWithoutAnyValueAndSaysSo() {
        FittedFeatures fitted = Features.rows().category("c").fit(texts(null, null));
        assertThat(fitted.notes()).containsExactly("column \"c\" has no value in the training rows");
        assertThat(TestData.ids(fitted.matrix(texts("a", null)))[0]).containsExactly(1, 0);
    }

    @Test
    void writesIntegersAndBooleansAsTexts() {
        Dataset data = TestData.rows(
                folder,
                Schema.of(
                        new Column("i", ColumnType.INTEGER, true),
                        new Column("b", ColumnType.BOOLEAN, true),
                        new Column("t", ColumnType.TEXT, true)),
                Arrays.asList(
                        new Object[] {-3L, true, "true"}, new Object[] {7L, false, "-3"}, new Object[] {7L, null, "x"
                        }));
        FeatureMatrix matrix = Features.rows()
                .category("i")
                .category("b")
                .category("t")
                .fit(data)
                .matrix(data);
        assertThat(matrix.features().inputs().get(0).columns()).containsExactlyInAnyOrder("i", "b", "t");
        assertThat(matrix.features().idColumns())
                .containsExactly(new IdColumn("i", 0, 4), new IdColumn("b", 4, 4), new IdColumn("t", 8, 5));
        assertThat(TestData.ids(matrix)).isDeepEqualTo(new int[][] {{3, 2, 2}, {3, 2, 0}, {3, 2, 4}});
    }

    @Test
    void sharesOneEncoderAmongColumns() {
        List<Column> columns = new ArrayList<>();
        Object[] yes = new Object[30];
        Object[] no = new Object[30];
        for (int i = 0; i < 30; i++) {
            columns.add(TestData.text("c" + i));
            yes[i] = "yes";
            no[i] = i == 29 ? null : "only " + i;
        }
        Dataset data = TestData.rows(folder, Schema.of(columns), Arrays.asList(yes, no));
        FittedFeatures fitted = Features.auto().fit(data);
        OnnxGraph graph = new OnnxGraph("test");
        fitted.emit(graph);
        assertThat(graph.nodeCount()).isEqualTo(3);
        Object[] foreign = new Object[30];
        Arrays.fill(foreign, "only 3");
        Dataset other = TestData.rows(folder, Schema.of(columns), Arrays.asList(yes, no, foreign));
        FeatureMatrix matrix = fitted.matrix(other);
        int[][] ids = TestData.ids(matrix);
        for (int i = 0; i < 30; i++) {
            String name = matrix.features().idColumns().get(i).name();
            // both values are seen once, so they are in the order of their names
            int[] expected = name.equals("c29") ? new int[] {2, 0, 1} : new int[] {3, 2, name.equals("c3") ? 2 : 1};
            assertThat(ids[i]).as(name).containsExactly(expected);
        }
    }

    @Test
    void keepsLargeVocabulariesInEncodersOfTheirOwn() {
        List<Object[]> rows = new ArrayList<>();
        for (int i = 0; i < 50_000; i++) {
            rows.add(new Object[] {"user " + i, "group " + i % 1000, "kind " + i % 7});
        }
        Dataset data = TestData.rows(
                folder, Schema.of(TestData.text("user"), TestData.text("group"), TestData.text("kind")), rows);
        FittedFeatures fitted = Features.auto().fit(data);
        assertThat(fitted.idColumns())
                .containsExactly(
                        new IdColumn("kind", 0, 9),
                        new IdColumn("group", 9, 1002),
                        new IdColumn("user", 1011, Encoding.DEFAULT_LIMIT + 2));
        int[][] ids = TestData.ids(fitted.matrix(data));
        assertThat(ids[0]).startsWith(2, 3, 4, 5, 6, 7, 8, 2);
        assertThat(Arrays.stream(ids[1]).distinct().count()).isEqualTo(1000);
        assertThat(Arrays.stream(ids[2]).filter(id -> id == TextBlock.OTHER).count())
                .isEqualTo(40_000);
        OnnxGraph graph = new OnnxGraph("test");
        fitted.emit(graph);
        assertThat(graph.nodeCount()).isLessThanOrEqualTo(7);
    }

    @Test
    void makesColumnsOfZeroAndOne() {
        Dataset data = texts("b", "a", "a", null);
        FeatureMatrix matrix =
                Features.rows().category("c", Encoding.oneHot()).fit(data).matrix(data);
        assertThat(matrix.idCount()).isZero();
        assertThat(matrix.features().numberNames()).containsExactly("c missing", "c other", "c=a", "c=b");
        assertThat(TestData.numbers(matrix))
                .isDeepEqualTo(new double[][] {{0, 0, 0, 1}, {0, 0, 0, 0}, {0, 1, 1, 0}, {1, 0, 0, 0}});
    }

    @Test
    void hashesEqualTextsAlikeAndSpreadsOthers() {
        List<Object[]> rows = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            rows.add(new Object[] {i == 0 ? null : "text ü " + i % 1500, i % 2 == 0 ? "even" : ""});
        }
        Dataset data = TestData.rows(folder, Schema.of(TestData.text("a"), TestData.text("b")), rows);
        FeatureMatrix matrix = Features.rows()
                .category("a", Encoding.hashed(64))
                .category("b", Encoding.hashed(10))
                .fit(data)
                .matrix(data);
        assertThat(matrix.features().idColumns()).containsExactly(new IdColumn("a", 0, 64), new IdColumn("b", 64, 10));
        int[][] ids = TestData.ids(matrix);
        assertThat(Arrays.stream(ids[0]).boxed()).allMatch(id -> id >= 0 && id < 64);
        assertThat(Arrays.copyOfRange(ids[0], 1, 1500)).containsExactly(Arrays.copyOfRange(ids[0], 1501, 3000));
        int[] sizes = new int[64];
        Arrays.stream(ids[0]).forEach(id -> sizes[id]++);
        // 3000 in 64 buckets: 47 on average, by twos; a bucket above 110 would be a broken hash
        assertThat(Arrays.stream(sizes).boxed()).allMatch(size -> size > 4 && size < 110);
        assertThat(Arrays.stream(ids[1]).distinct().count()).isEqualTo(2);
    }

    @Test
    void forgetsOnlyRareValuesWhenThereAreTooManyToHold() {
        Vocabulary vocabulary = new Vocabulary();
        for (int i = 0; i < 1_200_000; i++) {
            vocabulary.add("rare " + i);
            if (i % 100 == 0) {
                vocabulary.add("frequent");
            }
        }
        assertThat(vocabulary.values(1000, 10)).containsExactly("frequent");
    }

    @Test
    void holdsNoMoreValuesThanItsLimitHoweverOftenTheyCome() {
        Vocabulary vocabulary = new Vocabulary(100);
        for (int value = 0; value < 1_000; value++) {
            for (int time = 0; time < 2 + value % 3; time++) {
                vocabulary.add("value " + value);
                vocabulary.add("often");
            }
        }
        assertThat(vocabulary.values(1, 1_000)).hasSizeLessThanOrEqualTo(100).startsWith("often");
        assertThat(vocabulary.count("often")).isEqualTo(2_999);
    }
}
