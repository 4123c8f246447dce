import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

const server = 'http://127.0.0.1:8080';

export default defineConfig({
  base: '/chat/',
  plugins: [
    svelte({
      compilerOptions: { runes: true },
      onwarn(warning, handler) {
        // What a screen reader or a keyboard cannot use does not get built.
        if (warning.code.startsWith('a11y')) {
          throw new Error(`${warning.filename ?? ''}: ${warning.message}`);
        }
        handler?.(warning);
      },
    }),
  ],
  build: {
    target: 'es2022',
    // The content security policy allows nothing but files of our own origin, data: addresses included.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: 'index.html', widget: 'src/widget.ts' },
      // The widget has one name for ever: other people's pages load it.
      output: { entryFileNames: (chunk) => (chunk.name === 'widget' ? 'widget.js' : 'assets/[name]-[hash].js') },
    },
  },
  server: {
    // The design tokens are the console's.
    fs: { allow: ['.', '../../../agentui/web/src/styles'] },
    proxy: { '/chat/socket': { target: server, ws: true } },
  },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
  },
});
