/** Hover readout of the curves; the page is complete without it. */
export const script = `
for (const figure of document.querySelectorAll('.curve')) {
  const steps = JSON.parse(figure.dataset.x);
  const series = JSON.parse(figure.dataset.series);
  const area = figure.querySelector('.area');
  const cursor = figure.querySelector('.cursor');
  const output = figure.querySelector('output');
  const first = steps[0];
  const width = steps[steps.length - 1] - first;
  area.addEventListener('pointermove', (event) => {
    const box = area.getBoundingClientRect();
    const at = first + ((event.clientX - box.left) / box.width) * width;
    let nearest = 0;
    for (let i = 1; i < steps.length; i++) {
      if (Math.abs(steps[i] - at) < Math.abs(steps[nearest] - at)) nearest = i;
    }
    const values = series
      .filter(([, y]) => y[nearest] !== null)
      .map(([label, y]) => (series.length > 1 ? label + ' ' : '') + y[nearest]);
    output.textContent = 'step ' + steps[nearest] + ': ' + (values.length > 0 ? values.join(', ') : 'not logged');
    cursor.style.left = (width > 0 ? ((steps[nearest] - first) / width) * 100 : 50) + '%';
    cursor.hidden = false;
  });
  area.addEventListener('pointerleave', () => {
    output.textContent = '';
    cursor.hidden = true;
  });
}
`;
