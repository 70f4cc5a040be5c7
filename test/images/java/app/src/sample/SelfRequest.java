package sample;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.FileInputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URL;
import java.security.KeyStore;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** Asks a TLS server of its own; the default trust store of Debian's JDK, which the build added to, vouches for it. */
final class SelfRequest {
    private static final char[] PASSWORD = "changeit".toCharArray();

    static String ask() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (var file = new FileInputStream("/etc/sample/tls/server.p12")) {
            store.load(file, PASSWORD);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        HttpsServer server = HttpsServer.create(new InetSocketAddress(InetAddress.getByName("localhost"), 0), 0);
        server.setHttpsConfigurator(new HttpsConfigurator(context));
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 8);
            exchange.getResponseBody().write("over tls".getBytes());
            exchange.close();
        });
        server.start();
        try {
            var url = new URL("https://localhost:" + server.getAddress().getPort() + "/");
            var connection = (HttpsURLConnection) url.openConnection();
            return new String(connection.getInputStream().readAllBytes());
        } finally {
            server.stop(0);
        }
    }
}
