/** Text as an input: tokenizing, sentence embeddings and classification. */
@NullMarked
package dev.flywheel.serving.text;

import org.jspecify.annotations.NullMarked;
