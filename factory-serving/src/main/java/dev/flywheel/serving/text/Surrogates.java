package dev.flywheel.serving.text;

/** Makes strings that are not Unicode text into ones that are. */
final class Surrogates {

    private static final char REPLACEMENT = '\uFFFD';

    private Surrogates() {}

    /**
     * {@return the text with U+FFFD for each surrogate that has no partner} Given one, the native library would misread
     * every other character beyond U+FFFF in the same text too.
     */
    static String repaired(String text) {
        int lone = loneFrom(text, 0);
        if (lone < 0) {
            return text;
        }
        char[] chars = text.toCharArray();
        for (int i = lone; i >= 0; i = loneFrom(text, i + 1)) {
            chars[i] = REPLACEMENT;
        }
        return new String(chars);
    }

    private static int loneFrom(String text, int from) {
        int i = from;
        while (i < text.length()) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                i++;
            } else if (Character.isHighSurrogate(c)
                    && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1))) {
                i += 2;
            } else {
                return i;
            }
        }
        return -1;
    }
}
