package dev.flywheel.core.audit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class MerkleTest {

    private static final HexFormat HEX = HexFormat.of();

    @TestFactory
    List<DynamicTest> everyReferenceCaseHolds() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode c : Vectors.read("audit_merkle_rfc6962.json").get("cases")) {
            String name = tests.size() + " " + c.get("kind").asText() + " "
                    + c.path("desc").asText() + c.path("op").asText();
            tests.add(DynamicTest.dynamicTest(name, () -> {
                switch (c.get("kind").asText()) {
                    case "hash" ->
                        assertThat(HEX.formatHex(hash(c)))
                                .isEqualTo(c.get("expected").asText());
                    case "root" ->
                        assertThat(HEX.formatHex(root(c)))
                                .isEqualTo(c.get("expected_root").asText());
                    case "inclusion_proof" ->
                        assertThat(Merkle.includes(
                                        bytes(c.get("leafHash")),
                                        c.get("leafIdx").bigIntegerValue().longValue(),
                                        c.get("treeSize").bigIntegerValue().longValue(),
                                        bytes(c.get("root")),
                                        path(c)))
                                .isEqualTo(!c.get("wantErr").asBoolean());
                    case "consistency_proof" ->
                        assertThat(Merkle.begins(
                                        c.get("size1").asLong(),
                                        c.get("size2").asLong(),
                                        bytes(c.get("root1")),
                                        bytes(c.get("root2")),
                                        path(c)))
                                .isEqualTo(!c.get("wantErr").asBoolean());
                    default -> throw new AssertionError("unknown case " + c);
                }
            }));
        }
        assertThat(tests).hasSize(209);
        return tests;
    }

    private static byte[] hash(JsonNode c) {
        return switch (c.get("op").asText()) {
            case "empty_root" -> Merkle.emptyRoot();
            case "leaf" -> Merkle.leaf(utf8(c.get("input_utf8")));
            default -> Merkle.node(utf8(c.get("left_utf8")), utf8(c.get("right_utf8")));
        };
    }

    private static byte[] root(JsonNode c) {
        Frontier frontier = Frontier.EMPTY;
        for (JsonNode leaf : c.get("leaves_hex")) {
            frontier = frontier.append(Merkle.leaf(HEX.parseHex(leaf.asText())));
        }
        return frontier.root();
    }

    private static byte[] utf8(JsonNode node) {
        return node.asText().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] bytes(JsonNode node) {
        return node.isNull() ? new byte[0] : Base64.getDecoder().decode(node.asText());
    }

    private static List<byte[]> path(JsonNode c) {
        List<byte[]> path = new ArrayList<>();
        c.get("proof").forEach(part -> path.add(bytes(part)));
        return path;
    }

    @Test
    void everyEntryOfEverySmallTreeIsProvenAndNoOther() {
        for (int size = 1; size <= 33; size++) {
            byte[] root = root(0, size);
            for (int index = 0; index < size; index++) {
                List<byte[]> path = roots(Merkle.inclusion(index, size));
                assertThat(Merkle.includes(leaf(index), index, size, root, path))
                        .isTrue();
                assertThat(Merkle.includes(leaf(index + 1), index, size, root, path))
                        .isFalse();
                assertThat(Merkle.includes(leaf(index), (index + 1) % size, size, root, path))
                        .isEqualTo(size == 1);
                path.add(root);
                assertThat(Merkle.includes(leaf(index), index, size, root, path))
                        .isFalse();
            }
        }
    }

    @Test
    void everySmallTreeIsProvenToBeginWithEverySmallerOneAndNoOther() {
        for (int newer = 1; newer <= 33; newer++) {
            for (int older = 1; older <= newer; older++) {
                List<byte[]> path = roots(Merkle.consistency(older, newer));
                byte[] root = root(0, newer);
                assertThat(Merkle.begins(older, newer, root(0, older), root, path))
                        .isTrue();
                assertThat(Merkle.begins(older, newer, root(1, older + 1), root, path))
                        .isFalse();
                assertThat(Merkle.begins(older, newer, root(0, older), root(1, newer + 1), path))
                        .isFalse();
            }
        }
    }

    private static List<byte[]> roots(List<Merkle.Range> parts) {
        List<byte[]> roots = new ArrayList<>();
        parts.forEach(part -> roots.add(root((int) part.from(), (int) part.to())));
        return roots;
    }

    /** By the definition of RFC 6962, 2.1. */
    private static byte[] root(int from, int to) {
        if (to - from == 1) {
            return leaf(from);
        }
        int middle = 1;
        while (middle * 2 < to - from) {
            middle *= 2;
        }
        return Merkle.node(root(from, from + middle), root(from + middle, to));
    }

    private static byte[] leaf(int number) {
        return Merkle.leaf(new byte[] {(byte) number});
    }
}
