package sample;

import java.time.Month;
import java.time.format.TextStyle;
import java.util.Locale;

final class Locales {
    static String monthIn(String tag) {
        return Month.OCTOBER.getDisplayName(TextStyle.FULL, Locale.forLanguageTag(tag));
    }
}
