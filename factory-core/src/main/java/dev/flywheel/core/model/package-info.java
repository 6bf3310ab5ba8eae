/** What a trained model is: artifacts, signatures, cards, versions, predictions. */
@NullMarked
package dev.flywheel.core.model;

import org.jspecify.annotations.NullMarked;
