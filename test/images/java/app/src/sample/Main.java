package sample;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.function.Function;

/** The server of the JDK with routes that load classes, resources, zones, charsets and key stores on demand. */
public final class Main {
    private static final Map<String, String> TYPES = Map.of("css", "text/css", "html", "text/html", "txt", "text/plain");

    record Answer(int status, String type, byte[] body) {
        static Answer text(String text) {
            return new Answer(200, "text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
        }
    }

    interface Route {
        Answer answer(String query) throws Exception;
    }

    private static final Map<String, Route> ROUTES = Map.ofEntries(
        Map.entry("/", query -> resource(200, "/pages/home.html")),
        Map.entry("/health", query -> Answer.text("ok")),
        Map.entry("/time", query -> Answer.text(Instant.ofEpochSecond(1700000000).atZone(ZoneId.of(query)).toString())),
        Map.entry("/encode", query -> Answer.text(hex("語".getBytes(Charset.forName(query))))),
        Map.entry("/plugin", query -> Answer.text(plugin(query))),
        Map.entry("/config", query -> Answer.text(Files.readString(Path.of("/etc/sample/app.properties")).trim())),
        Map.entry("/xml", query -> Answer.text(Documents.firstName("<store><grain name=\"oats\"/></store>"))),
        Map.entry("/digest", query -> Answer.text(hex(java.security.MessageDigest.getInstance(query).digest(new byte[0])))),
        Map.entry("/process", query -> Answer.text(run("sh", "-c", "echo grain | tr a-z A-Z"))),
        Map.entry("/locale", query -> Answer.text(Locales.monthIn(query))),
        Map.entry("/user", query -> Answer.text(System.getProperty("user.name"))),
        Map.entry("/tls", query -> Answer.text(SelfRequest.ask())),
        Map.entry("/boom", query -> {
            throw new IllegalStateException("asked for");
        }));

    public static void main(String[] arguments) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.createContext("/", Main::handle);
        server.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println(Farewell.words())));
        System.out.println("listening");
    }

    private static void handle(HttpExchange exchange) throws IOException {
        URI uri = exchange.getRequestURI();
        Answer answer;
        try {
            Route route = ROUTES.get(uri.getPath());
            if (route != null) {
                answer = route.answer(uri.getQuery());
            } else if (Main.class.getResource("/static" + uri.getPath()) != null) {
                answer = resource(200, "/static" + uri.getPath());
            } else {
                answer = resource(404, "/pages/missing.html");
            }
        } catch (Exception error) {
            error.printStackTrace();
            answer = new Answer(500, "text/plain", ("broken: " + error.getMessage()).getBytes(StandardCharsets.UTF_8));
        }
        exchange.getResponseHeaders().set("Content-Type", answer.type());
        exchange.sendResponseHeaders(answer.status(), answer.body().length);
        exchange.getResponseBody().write(answer.body());
        exchange.close();
    }

    private static Answer resource(int status, String path) throws IOException {
        try (InputStream stream = Main.class.getResourceAsStream(path)) {
            return new Answer(status, TYPES.get(path.substring(path.lastIndexOf('.') + 1)), stream.readAllBytes());
        }
    }

    @SuppressWarnings("unchecked")
    private static String plugin(String name) throws ReflectiveOperationException {
        var plugin = (Function<String, String>) Class.forName("sample.plugins." + name).getConstructor().newInstance();
        return plugin.apply("grain");
    }

    static String run(String... command) throws IOException {
        return new String(new ProcessBuilder(command).start().getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    static String hex(byte[] bytes) {
        return java.util.HexFormat.of().formatHex(bytes);
    }
}
