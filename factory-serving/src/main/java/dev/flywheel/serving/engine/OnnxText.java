package dev.flywheel.serving.engine;

/**
 * Texts as ONNX Runtime's Java API can hand them over. It writes UTF-16 surrogates one by one and U+0000 in two bytes
 * (JNI's modified UTF-8), which operators refuse as damaged, together with the whole batch, or do not recognize as the
 * character that a model file knows.
 */
public final class OnnxText {

    private static final char PRIVATE_USE = '\uE000';

    private OnnxText() {}

    /**
     * {@return the text as a lane hands it over} Characters beyond U+FFFF, such as emoji, become two of the private use
     * area (surrogates + 0x800, so different texts remain different), U+0000 becomes U+FFFD. All other texts are handed
     * over as they are. A model that is to know such characters also needs them in this form.
     */
    public static String carried(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (changes(text.charAt(i))) {
                return changed(text);
            }
        }
        return text;
    }

    /** {@return the text that {@link #carried} was given, of one that a model gives back} U+0000 does not come back. */
    static String returned(String text) {
        char[] chars = null;
        for (int i = 1; i < text.length(); i++) {
            char high = original(text.charAt(i - 1));
            char low = original(text.charAt(i));
            if (Character.isSurrogatePair(high, low)) {
                chars = chars == null ? text.toCharArray() : chars;
                chars[i - 1] = high;
                chars[i] = low;
            }
        }
        return chars == null ? text : new String(chars);
    }

    private static char original(char c) {
        return (char) (c - PRIVATE_USE + Character.MIN_SURROGATE);
    }

    private static boolean changes(char c) {
        return Character.isSurrogate(c) || c == 0;
    }

    private static String changed(String text) {
        char[] chars = text.toCharArray();
        for (int i = 0; i < chars.length; i++) {
            if (changes(chars[i])) {
                chars[i] = chars[i] == 0 ? '\uFFFD' : (char) (chars[i] - Character.MIN_SURROGATE + PRIVATE_USE);
            }
        }
        return new String(chars);
    }
}
